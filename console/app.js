// Which page is shown, and how the service is.

import * as api from "./api.js";
import { failure, facts, h } from "./dom.js";
import { ago, plural, since } from "./format.js";
import { show as showApplications } from "./applications.js";
import { show as showApplication } from "./application.js";
import { show as showDecisions } from "./decisions.js";
import { show as showExplain } from "./explain.js";
import { show as showGraph } from "./graph.js";

const BETWEEN_LOOKS = 5000;

/** The first that fits; what is behind the name is handed over. */
const PAGES = [
  [/^\/applications\/(.+)$/, showApplication],
  [/^\/graph(?:\/(.+))?$/, showGraph],
  [/^\/decisions$/, showDecisions],
  [/^\/explain(?:\/(.+))?$/, showExplain],
  [/^.*$/, showApplications],
];

const main = document.getElementById("main");
let shown = new AbortController();

async function show() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  const [pattern, page] = PAGES.find(([pattern]) => pattern.test(path || "/"));
  const subject = (path || "/").match(pattern)[1];
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  mark(path || "/applications");
  try {
    const { title, content, started } =
      await page(subject && decodeURIComponent(subject), new URLSearchParams(query), signal);
    if (signal.aborted) return;
    document.title = `${title} – Portvakt`;
    main.replaceChildren(...content);
    started?.();
  } catch (error) {
    if (signal.aborted) return;
    document.title = "Portvakt";
    main.replaceChildren(
      h("div", { class: "head" }, h("h1", null, "Nothing to show")),
      failure(error),
      h("a", { class: "button", href: "#/applications" }, "All applications"));
  }
}

/** Who moves on goes on from the top of the new page. */
async function move() {
  await show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function mark(path) {
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = path.startsWith(link.getAttribute("href").slice(1));
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function health(now) {
  const box = document.getElementById("health");
  const lost = now.issuers.filter((issuer) => !issuer.trusted);
  const troubles = [
    ...now.missing,
    ...lost.map((issuer) => `no keys of ${issuer.name}`),
    ...(now.documents.clean ? [] : ["documents with errors"]),
  ];
  const look = now.missing.length > 0 ? "bad" : troubles.length > 0 ? "warn" : "good";
  box.dataset.look = look;
  const word = { bad: "Not ready", warn: "Ready, with faults", good: "Ready" }[look];
  box.querySelector("[data-text]").textContent = word;
  const keys = (issuer) =>
    issuer.age_seconds === null
      ? "no keys yet"
      : `${plural(issuer.keys, "key")}, asked for ${ago(issuer.age_seconds)}`;
  box.querySelector("[data-detail]").replaceChildren(
    troubles.length > 0 ? h("ul", null, troubles.map((text) => h("li", null, text))) : "",
    facts([
      ["Applications", plural(now.applications, "application")],
      ["Documents", now.documents.last_clean_at
        ? `read without error ${since(now.documents.last_clean_at)}` : "never read without error"],
      ...now.issuers.map((issuer) => [issuer.name, keys(issuer)]),
    ]));
  document.getElementById("version").textContent = now.version;
}

async function watch() {
  for (;;) {
    try {
      health(await api.status());
    } catch (error) {
      const box = document.getElementById("health");
      box.dataset.look = "bad";
      box.querySelector("[data-text]").textContent = "No answer";
      box.querySelector("[data-detail]").replaceChildren(failure(error));
    }
    await new Promise((wake) => setTimeout(wake, BETWEEN_LOOKS));
  }
}

document.querySelector("[data-skip]").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.addEventListener("keydown", (event) => {
  const health = document.getElementById("health");
  if (event.key === "Escape" && health.open) {
    health.open = false;
    health.querySelector("summary").focus();
  }
});
addEventListener("hashchange", move);
show();
watch();
