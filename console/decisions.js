// What is being decided, as it happens.

import * as api from "./api.js";
import { failure, h, labelled, settled } from "./dom.js";
import { calling, clock, linked, plural, verdict } from "./format.js";
import { applicationInput } from "./search.js";

const BETWEEN_LOOKS = 1000;
/** Older rows go; the decision log has them. */
const MOST_ROWS = 200;
const PAUSE = 200;
const COLUMNS = ["Time", "Decision", "Reason", "Application", "Caller", "Request"];

export async function show(_, parameters, signal) {
  const filter = () => Object.fromEntries(new FormData(form).entries());
  const form = filters(parameters, signal);
  const told = h("p", { class: "told", role: "status" });
  const body = h("tbody", null);
  const trouble = h("div", null);
  const live = liveness(signal);
  const feed = { latest: 0, body, told, trouble, signal, isAsked: 0 };

  const anew = () => {
    const asked = filter();
    const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== ""));
    const text = query.toString();
    history.replaceState(null, "", `#/decisions${text ? `?${text}` : ""}`);
    feed.latest = 0;
    return look(feed, asked);
  };
  form.addEventListener("input", settled(PAUSE, anew));
  form.addEventListener("submit", (event) => event.preventDefault());
  await look(feed, filter());
  follow(feed, filter, live);
  return {
    title: "Decisions",
    content: [
      h("div", { class: "head" }, h("h1", null, "Decisions"), told, live.button),
      form,
      trouble,
      h("div", { class: "card flush scroll" },
        h("table", { class: "decisions" },
          h("caption", { class: "unseen" }, "Decisions, the newest first"),
          h("thead", null, h("tr", null, COLUMNS.map((title) => h("th", { scope: "col" }, title)))),
          body)),
    ],
  };
}

/** Looks each second, for as long as the page is shown and not held. */
async function follow(feed, filter, live) {
  while (!feed.signal.aborted) {
    await new Promise((wake) => setTimeout(wake, BETWEEN_LOOKS));
    if (live.isOn() && !document.hidden && !feed.signal.aborted) await look(feed, filter());
  }
}

async function look(feed, filter) {
  const number = ++feed.isAsked;
  try {
    const answer = await api.decisions({ ...filter, after: feed.latest }, feed.signal);
    if (number !== feed.isAsked) return;
    const isAnew = feed.latest === 0 || answer.latest < feed.latest;
    // A program that started anew counts anew.
    if (answer.latest < feed.latest) {
      feed.latest = 0;
      await look(feed, filter);
      return;
    }
    feed.latest = answer.latest;
    add(feed, answer.decisions, isAnew);
    feed.trouble.replaceChildren();
  } catch (error) {
    if (!feed.signal.aborted && number === feed.isAsked) {
      feed.trouble.replaceChildren(failure(error));
    }
  }
}

function add({ body, told }, decisions, isAnew) {
  const rows = decisions.map((decision) => labelled(row(decision, { isNew: !isAnew }), COLUMNS));
  if (isAnew) body.replaceChildren(...rows);
  else {
    body.querySelector("[data-empty]")?.remove();
    body.prepend(...rows);
  }
  while (body.rows.length > MOST_ROWS) body.lastElementChild.remove();
  if (body.rows.length === 0) {
    body.append(h("tr", { "data-empty": true },
      h("td", { colspan: COLUMNS.length, class: "empty" },
        "Nothing that fits was decided yet. What comes is shown here.")));
  }
  const refused = body.querySelectorAll("[data-refused]").length;
  const shown = body.querySelectorAll("[data-number]").length;
  const text = shown === 0 ? "" : `${plural(shown, "decision")}, ${refused} refused`;
  // Only what changed is read out.
  if (told.textContent !== text) told.textContent = text;
}

/** One decision as a row; on the page of its application, without that. */
export function row(decision, { isNew = false, isOfOne = false } = {}) {
  const { number, time, reason, application, caller, detail, candidate } = decision;
  const isRefused = decision.decision === "deny" || decision.mode === "shadow";
  return h("tr",
    { "data-number": number, "data-refused": isRefused, class: isNew ? "new" : null },
    h("td", { class: "number" }, clock(time)),
    h("td", null, verdict(decision.decision, decision.mode)),
    h("td", null,
      h("code", null, reason),
      detail ? h("div", { class: "detail" }, detail) : null,
      candidate ? otherwise(candidate) : null),
    isOfOne ? null : h("td", null, application ? linked(application) : "–"),
    h("td", null, caller ? calling(caller) : "–"),
    h("td", { class: "request" }, `${decision.method ?? ""} ${decision.path ?? ""}`));
}

/** What the candidate documents would have decided. */
function otherwise({ decision, reason }) {
  return h("div", { class: "candidate" },
    "Candidates: ", verdict(decision), " ", h("code", null, reason));
}

function filters(parameters, signal) {
  const value = (name) => parameters.get(name) ?? "";
  const option = (name, text, word) =>
    h("option", { value: word, selected: value(name) === word }, text);
  const text = (name, label, placeholder) => h("div", { class: "field" },
    h("label", { for: `by-${name}` }, label),
    h("input", {
      id: `by-${name}`, name, type: "search", value: value(name), placeholder,
      autocomplete: "off", spellcheck: "false",
    }));
  return h("form", { class: "tools", role: "search", "aria-label": "Filters" },
    applicationInput({
      label: "Application", name: "application", value: value("application"), signal,
    }),
    text("caller", "Caller", "name or client id"),
    h("div", { class: "field" },
      h("label", { for: "by-decision" }, "Decision"),
      h("select", { id: "by-decision", name: "decision" },
        option("decision", "All", ""),
        option("decision", "Allowed", "allow"),
        option("decision", "Denied", "deny"),
        option("decision", "Shadow", "shadow"))),
    text("reason", "Reason", "part of a reason"),
    h("div", { class: "field check" },
      h("label", { title: "Only what the candidate documents would have decided otherwise" },
        h("input", {
          type: "checkbox", name: "candidate", value: "differs",
          checked: value("candidate") === "differs",
        }),
        "Candidates differ")));
}

function liveness() {
  let isOn = true;
  const button = h("button", { type: "button", class: "live", "aria-pressed": "true" }, "Live");
  button.addEventListener("click", () => {
    isOn = !isOn;
    button.setAttribute("aria-pressed", String(isOn));
    button.textContent = isOn ? "Live" : "Held";
  });
  return { button, isOn: () => isOn };
}
