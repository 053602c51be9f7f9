// A neighbourhood as cytoscape draws it.

import cytoscape from "./cytoscape.js";
import { called, parts } from "./format.js";

/** More nodes than fit beside each other are put in rings. */
const MOST_IN_LAYERS = 36;
const LONGEST_NAME = 24;

/** Draws into `canvas`, until `signal`. `opened` hears of a node that is chosen. */
export function draw(canvas, { focus, nodes, edges }, { signal, opened }) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const cy = cytoscape({
    container: canvas,
    elements: [
      ...nodes.map((node) => ({ data: { id: node.id, label: label(node.id), ...looks(node, focus) } })),
      ...edges.map(({ id, from, to, state }) => ({ data: { id, source: from, target: to, state } })),
    ],
    style: style(canvas),
    layout: layout(nodes, edges, focus),
    minZoom: 0.1,
    maxZoom: 2.5,
    boxSelectionEnabled: false,
    autounselectify: true,
  });
  fit(cy);
  cy.on("tap", "node", (event) => {
    const id = event.target.id();
    if (parts(id) && id !== focus) opened(id);
  });
  cy.on("mouseover", "node", (event) => {
    canvas.classList.add("pointing");
    spotlight(cy, event.target.closedNeighborhood());
  });
  cy.on("mouseout", "node", () => {
    canvas.classList.remove("pointing");
    spotlight(cy, null);
  });
  dark.addEventListener("change", () => cy.style(style(canvas)), { signal });
  signal.addEventListener("abort", () => cy.destroy());
  // For whoever measures when there is something to see.
  cy.one("render", () => performance.mark("graph-drawn"));
  return {
    fit: () => fit(cy),
    zoom: (factor) => cy.zoom({
      level: cy.zoom() * factor,
      renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 },
    }),
    point(edge) {
      // The first edge is number 0; ids are texts.
      const found = edge === null ? cy.collection() : cy.getElementById(String(edge));
      spotlight(cy, found.empty() ? null : found.union(found.connectedNodes()));
    },
  };
}

/** All of it, and no larger than life. */
function fit(cy) {
  cy.fit(undefined, 36);
  if (cy.zoom() > 1.15) {
    cy.zoom(1.15);
    cy.center();
  }
}

function spotlight(cy, lit) {
  cy.batch(() => {
    cy.elements().removeClass("dim");
    if (lit) cy.elements().difference(lit).addClass("dim");
  });
}

function label(id) {
  const known = parts(id);
  if (!known) return called(id).replace(/^Group (.{8}).*/, "Group\n$1…");
  return `${shortened(known.name)}\n${shortened(known.namespace)}`;
}

function shortened(text) {
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
}

function looks({ id, kind, standing }, focus) {
  return { kind, standing: standing ?? "none", middle: id === focus ? "yes" : "no" };
}

function layout(nodes, edges, focus) {
  const common = { fit: false, animate: false, nodeDimensionsIncludeLabels: true };
  if (nodes.length > MOST_IN_LAYERS) {
    const isNear = new Set(edges.filter(({ from, to }) => from === focus || to === focus)
      .flatMap(({ from, to }) => [from, to]));
    return {
      ...common, name: "concentric", minNodeSpacing: 18, levelWidth: () => 1,
      concentric: (node) => (node.id() === focus ? 3 : isNear.has(node.id()) ? 2 : 1),
    };
  }
  return {
    ...common, name: "breadthfirst", directed: true, direction: "rightward",
    roots: sources(nodes, edges, focus), avoidOverlap: true,
    // It leaves as much room above a node as beside it; these are wide and low.
    transform: (_, { x, y }) => ({ x: x * 0.6, y: y * 0.43 }),
  };
}

/** Those that nobody drawn calls; the focus where everybody is called. */
function sources(nodes, edges, focus) {
  const isCalled = new Set(edges.map(({ to }) => to));
  const found = nodes.map(({ id }) => id).filter((id) => !isCalled.has(id));
  return found.length > 0 ? found : [focus];
}

function style(canvas) {
  const computed = getComputedStyle(canvas);
  const color = (name) => computed.getPropertyValue(`--${name}`).trim();
  const line = (state, more) => ({
    selector: `edge[state="${state}"]`,
    style: {
      "line-color": color(state), "target-arrow-color": color(state), ...more,
    },
  });
  return [
    {
      selector: "node",
      style: {
        shape: "round-rectangle", width: 176, height: 46, "corner-radius": 9,
        "background-color": color("node"), "border-width": 1.5, "border-color": color("node-edge"),
        label: "data(label)", color: color("ink"), "font-size": 13, "line-height": 1.25,
        "font-family": computed.fontFamily, "text-wrap": "wrap", "text-max-width": 170,
        "text-valign": "center", "text-halign": "center", "min-zoomed-font-size": 5,
      },
    },
    { selector: 'node[kind != "application"]', style: { shape: "ellipse", "background-color": color("users") } },
    { selector: 'node[standing = "shadow"]', style: { "border-color": color("shadow"), "border-style": "dashed", "border-width": 2.5 } },
    { selector: 'node[standing = "disabled"]', style: { "border-color": color("denied"), "border-style": "double", "border-width": 4, color: color("faint") } },
    { selector: 'node[standing = "undocumented"]', style: { "border-style": "dotted", "border-width": 2, color: color("faint") } },
    { selector: 'node[middle = "yes"]', style: { "background-color": color("accent"), "border-color": color("accent"), color: color("on-accent"), "font-weight": 600, width: 190, height: 54 } },
    {
      selector: "edge",
      style: {
        "curve-style": "bezier", width: 1.8, "target-arrow-shape": "triangle", "arrow-scale": 1.1,
      },
    },
    line("granted", {}),
    line("unused", { "line-style": "dashed", "line-dash-pattern": [9, 6], width: 1.4 }),
    line("uncounted", { width: 1 }),
    line("unresolved", { "line-style": "dotted", width: 2.2, "target-arrow-shape": "circle", "target-arrow-fill": "hollow" }),
    line("denied", { width: 2.8, "target-arrow-shape": "tee" }),
    line("disabled", { "line-style": "dashed", "line-dash-pattern": [3, 4], width: 1.2, "target-arrow-shape": "tee" }),
    line("wildcard", { "line-style": "dotted", width: 1.4, "target-arrow-shape": "vee" }),
    { selector: ".dim", style: { opacity: 0.18 } },
  ];
}
