// Who may call one application, and whom it may call: drawn, and as a list that says the same.

import * as api from "./api.js";
import { failure, h, section } from "./dom.js";
import { ACCESS, access, applicationLink, called, count, graphLink, named, parts, plural, standing } from "./format.js";
import { applicationInput } from "./search.js";
import { draw } from "./drawing.js";
import { isShort, periodInput, shortNote } from "./period.js";

export async function show(subject, parameters, signal) {
  // Whoever moves on keeps what is asked for.
  const asked = { depth: parameters.get("depth") ?? "", days: parameters.get("days") ?? "" };
  const go = (id, other) => { location.hash = graphLink(id, { ...asked, ...other }); };
  const search = h("form", { class: "tools", role: "search" },
    applicationInput({ label: "Around", value: subject ?? "", chosen: (id) => go(id), signal }));
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value } = search.querySelector("input");
    if (value) go(value.trim());
  });
  const head = h("div", { class: "head" }, h("h1", null, "Access graph"));
  if (!subject) {
    return {
      title: "Graph",
      content: [head, search,
        h("p", { class: "empty" }, "Name an application to see who may call it, and whom it may call.")],
    };
  }
  search.append(depths(asked.depth || "1", (depth) => go(subject, { depth })));
  let around;
  try {
    around = await api.graph(subject, asked.depth, asked.days, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return { title: "Graph", content: [head, search, failure(error)] };
  }
  search.append(periodInput(around.period, "narrow", (days) => go(subject, { days })));
  return { title: `Graph around ${called(subject)}`, ...page(around, head, search, go, asked, signal) };
}

function depths(depth, chosen) {
  const option = (value, text) => h("option", { value, selected: depth === value }, text);
  const select = h("select", { id: "depth" },
    option("1", "direct"), option("2", "over one other"), option("3", "over two others"));
  select.addEventListener("change", () => chosen(select.value));
  return h("div", { class: "field narrow" }, h("label", { for: "depth" }, "Reach"), select);
}

function page(around, head, search, go, asked, signal) {
  const canvas = h("div", { class: "canvas", role: "img", "aria-label": inWords(around) });
  const drawing = { current: null };
  const side = h("div", { class: "side" }, sides(around, drawing, asked));
  const tools = h("div", { class: "zoom" },
    tool("+", "Zoom in", () => drawing.current?.zoom(1.3)),
    tool("−", "Zoom out", () => drawing.current?.zoom(1 / 1.3)),
    tool("Fit", "Show all", () => drawing.current?.fit()));
  return {
    content: [
      head, search,
      around.left_out > 0
        ? h("p", { class: "note" },
            `${count(around.left_out)} more are there and not drawn: the nearest come first.`)
        : "",
      counting(around),
      h("div", { class: "graph" },
        h("div", { class: "card flush stage" }, canvas, tools, legend()),
        side),
    ],
    started() {
      drawing.current = draw(canvas, around, {
        signal,
        opened: (id) => go(id),
      });
    },
  };
}

/** Where uses are not counted for long enough: for how long they are. */
function counting({ edges, period }) {
  const short = edges.filter(({ state }) => state === "uncounted").map(({ uses }) => uses);
  if (short.length === 0) return "";
  const [longest] = short.sort((one, other) => one.since - other.since);
  const isAll = edges.every(({ uses }) => !uses || isShort(uses, period));
  return shortNote(longest, period, isAll ? "Counted" : "Some are counted");
}

function tool(text, label, then) {
  return h("button", { type: "button", "aria-label": label, title: label, onclick: then }, text);
}

function inWords({ focus, nodes, edges }) {
  const callers = edges.filter((edge) => edge.to === focus).length;
  const callees = edges.filter((edge) => edge.from === focus).length;
  return `Graph around ${called(focus)}: ${plural(nodes.length, "node")}, ` +
    `${plural(callers, "caller")}, ${callees} called. The lists beside it say the same.`;
}

function sides({ focus, nodes, edges }, drawing, asked) {
  const kinds = new Map(nodes.map((node) => [node.id, node]));
  const toFocus = edges.filter((edge) => edge.to === focus);
  const fromFocus = edges.filter((edge) => edge.from === focus);
  const others = edges.filter((edge) => edge.from !== focus && edge.to !== focus);
  const item = (id, edge) => h("li", null,
    h("a", {
      href: parts(id) ? graphLink(id, asked) : null,
      tabindex: parts(id) ? null : "0",
      "data-edge": edge.id,
      onfocus: () => drawing.current?.point(edge.id),
      onmouseenter: () => drawing.current?.point(edge.id),
      onmouseleave: () => drawing.current?.point(null),
      onblur: () => drawing.current?.point(null),
    }, named(id)),
    access(edge.state),
    edge.denials ? h("span", { class: "faint" }, `${plural(edge.denials, "time")}`) : null);
  const list = (title, items, whenEmpty) => section(title,
    items.length > 0 ? h("ul", { class: "ends" }, items) : h("p", { class: "empty" }, whenEmpty));
  const own = kinds.get(focus);
  return [
    h("section", { class: "card focus", "aria-label": "In the middle" },
      h("h2", null, named(focus)),
      own.standing ? standing(own.standing) : null,
      parts(focus) && own.standing !== "undocumented"
        ? h("a", { class: "button", href: applicationLink(focus, { days: asked.days }) }, "Open its page") : null),
    list("Callers, granted or denied", toFocus.map((edge) => item(edge.from, edge)), "Nobody that documents name."),
    list("Called, granted or denied", fromFocus.map((edge) => item(edge.to, edge)), "Nothing that documents name."),
    others.length > 0
      ? list("Further away", others.map((edge) => h("li", null,
          named(edge.from), h("span", { "aria-label": "to" }, "→"), named(edge.to),
          access(edge.state))), "")
      : null,
  ];
}

function legend() {
  return h("ul", { class: "legend", "aria-label": "Legend" },
    Object.entries(ACCESS).map(([word, [text, title]]) =>
      h("li", { title }, h("span", { class: `line ${word}`, "aria-hidden": "true" }), text)));
}
