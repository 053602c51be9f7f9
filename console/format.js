// How things are called and shown on every page.

import { badge, h } from "./dom.js";

/** The parts of `cluster:namespace:application`; null for what is no application. */
export function parts(id) {
  const split = id.split(":");
  if (split.length !== 3) return null;
  const [cluster, namespace, name] = split;
  return { cluster, namespace, name };
}

/** A name for people: an application's own first, with where it belongs behind. */
export function named(id) {
  const known = parts(id);
  if (!known) return h("span", { class: "id" }, called(id));
  return h("span", { class: "named" },
    h("span", { class: "own" }, known.name),
    h("span", { class: "where" }, `${known.namespace} · ${known.cluster}`));
}

/** What is no application, in words. */
export function called(id) {
  if (id === "all-users") return "All users";
  if (id === "*") return "Any application";
  if (id.startsWith("group:")) return `Group ${id.slice("group:".length)}`;
  return id;
}

/** An address of a page; what is asked for beyond its subject stands behind. */
export function address(page, id, asked = {}) {
  const stated = Object.entries(asked).filter(([, value]) => value);
  const query = new URLSearchParams(stated).toString();
  return `#/${page}/${encodeURIComponent(id)}${query ? `?${query}` : ""}`;
}

export const applicationLink = (id, asked) => address("applications", id, asked);
export const graphLink = (id, asked) => address("graph", id, asked);

/** Applications lead to their page; everything else is only named. */
export function linked(id, isDocumented = true) {
  return parts(id) && isDocumented ? h("a", { href: applicationLink(id) }, named(id)) : named(id);
}

const STANDINGS = {
  enforced: ["good", "Enforced", "What the policy refuses is kept out."],
  shadow: ["shadow", "Shadow", "What the policy refuses is let through, and told."],
  disabled: ["bad", "Disabled", "Nobody gets in."],
  undocumented: ["faint", "Undocumented", "Only rules of others name it."],
};

export function standing(word) {
  const [look, text, title] = STANDINGS[word] ?? ["faint", word, null];
  return badge(look, text, title);
}

/** What an edge or a rule is worth: its look, its word, and what that means. */
export const ACCESS = {
  granted: ["Granted", "May call, and did over these days."],
  unused: ["Unused", "May call, and did not over these days, all of which are counted."],
  uncounted: ["Not used yet", "May call, and did not so far; counted for less than these days."],
  unresolved: ["Unresolved", "Grants nothing: no client id is known for the caller."],
  denied: ["Denied", "Was refused lately."],
  disabled: ["Disabled", "Would grant, but what is called lets nobody in."],
  wildcard: ["Network only", "Opens the network and grants no token."],
};

export function access(word) {
  const [text, title] = ACCESS[word] ?? [word, null];
  return badge(word, text, title);
}

export function verdict(decision, mode) {
  if (mode === "shadow") return badge("shadow", "shadow", "Let through although it was refused.");
  return badge(decision === "allow" ? "good" : "bad", decision);
}

/** Who calls, as decisions tell it. */
export function calling({ kind, application, client_id: clientId }) {
  const name = application ? linked(application) : h("span", { class: "id" }, clientId);
  return kind === "user" ? ["A user through ", name] : name;
}

/** Where something is stated, as findings have it. */
export function placeText({ file, line, column }) {
  return line > 0 ? `${file}:${line}:${column}` : file;
}

/** RFC 3339, as the clock on the wall shows it. */
export function clock(time) {
  const date = new Date(time);
  return h("time", { datetime: time, title: date.toString() }, date.toLocaleTimeString("en-GB"));
}

/** How long ago, in one unit. */
export function ago(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s ago`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ago`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ago`;
  return `${Math.floor(whole / 86400)} days ago`;
}

/** Seconds since 1970, as how long ago. */
export const since = (unixSeconds) => ago(Date.now() / 1000 - unixSeconds);

export const count = (number) => number.toLocaleString("en");

export function plural(number, one, several = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : several}`;
}
