// The overview: every application, searched and page by page.

import * as api from "./api.js";
import { badge, failure, h, labelled, settled, table } from "./dom.js";
import { count, graphLink, linked, plural, standing } from "./format.js";

const PAUSE = 150;
const COLUMNS = ["Application", "Standing", { title: "Callers", class: "number" }, "Users", ""];

export async function show(_, parameters, signal) {
  const search = parameters.get("search") ?? "";
  const input = h("input", {
    id: "search", type: "search", value: search, autocomplete: "off", spellcheck: "false",
    placeholder: "part of a name, or a client id",
  });
  const told = h("p", { class: "told", role: "status" });
  const list = h("div", { class: "card flush" });
  let latest = 0;

  async function look() {
    const number = ++latest;
    try {
      const found = await api.applications(input.value.trim(), 0, signal);
      if (number !== latest) return;
      told.textContent = plural(found.matching, "application");
      list.replaceChildren(...listed(found, input.value.trim(), signal));
    } catch (error) {
      if (!signal.aborted && number === latest) list.replaceChildren(failure(error));
    }
    // So that going back finds the same list; without an entry for each letter.
    const query = input.value.trim() ? `?search=${encodeURIComponent(input.value.trim())}` : "";
    if (!signal.aborted) history.replaceState(null, "", `#/applications${query}`);
  }
  input.addEventListener("input", settled(PAUSE, look));
  await look();
  return {
    title: "Applications",
    content: [
      h("div", { class: "head" }, h("h1", null, "Applications"), told),
      h("form", { class: "tools", role: "search", onsubmit: (event) => event.preventDefault() },
        h("div", { class: "field wide" }, h("label", { for: "search" }, "Search"), input)),
      list,
    ],
  };
}

function listed(found, search, signal) {
  const rows = found.applications.map(row);
  const shown = table("Applications", COLUMNS, rows, "No application has such a name.");
  const rest = () => found.matching - rows.length;
  if (rest() <= 0) return [shown];
  const more = h("button", { type: "button", class: "more" }, `Show more of ${count(rest())}`);
  more.addEventListener("click", async () => {
    try {
      const next = await api.applications(search, rows.length, signal);
      const added = next.applications.map((application) => labelled(row(application), COLUMNS));
      rows.push(...added);
      shown.querySelector("tbody").append(...added);
      added[0]?.querySelector("a")?.focus();
      if (rest() <= 0 || added.length === 0) more.remove();
      else more.textContent = `Show more of ${count(rest())}`;
    } catch (error) {
      if (!signal.aborted) more.replaceWith(failure(error));
    }
  });
  return [shown, more];
}

function row(application) {
  const { id, granted, unresolved, groups, all_users: allUsers } = application;
  const isDocumented = application.standing !== "undocumented";
  const users = allUsers ? "all" : groups > 0 ? plural(groups, "group") : "–";
  return h("tr", null,
    h("td", null, linked(id, isDocumented)),
    h("td", null, standing(application.standing)),
    h("td", { class: "number" },
      isDocumented ? count(granted) : "–",
      unresolved > 0 ? [" ", badge("unresolved", `+${unresolved} unresolved`)] : null),
    h("td", null, users),
    h("td", { class: "end" },
      h("a", { href: graphLink(id), "aria-label": `Graph around ${id}` }, "Graph")));
}
