// Everything that the pages ask of the program.

async function read(response, what) {
  if (response.ok) return response.json();
  if (response.status === 404) throw new Error(`${what} is not known here.`);
  const text = (await response.text()).trim();
  throw new Error(text || `The console answered with status ${response.status}.`);
}

async function ask(path, options, what) {
  let response;
  try {
    response = await fetch(path, { credentials: "omit", redirect: "error", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("Portvakt does not answer.");
  }
  return read(response, what);
}

function get(path, parameters, signal, what) {
  const stated = Object.entries(parameters ?? {}).filter(([, value]) => value !== "");
  const query = new URLSearchParams(stated).toString();
  return ask(query ? `${path}?${query}` : path, { signal }, what);
}

export const status = (signal) => get("api/status", {}, signal);

export const applications = (search, offset, signal) =>
  get("api/applications", { search, offset }, signal);

export const application = (id, days, signal) =>
  get(`api/applications/${encodeURIComponent(id)}`, { days }, signal, id);

export const graph = (focus, depth, days, signal) =>
  get("api/graph", { focus, depth, days }, signal, focus);

export const decisions = (filter, signal) => get("api/decisions", filter, signal);

/** The token goes with the body of this one request, and nowhere else. */
export const explain = (question) =>
  ask("api/explain", {
    method: "POST",
    headers: { "content-type": "application/json" },
    cache: "no-store",
    referrerPolicy: "no-referrer",
    body: JSON.stringify(question),
  });
