// Over how many days uses are looked for, and what can be told where they are counted for less.

import { h } from "./dom.js";
import { plural } from "./format.js";

/** A choice of days; `chosen` hears of another one. */
export function periodInput({ days, choices }, look, chosen) {
  const offered = [...new Set([...choices, days])].sort((one, other) => one - other);
  const select = h("select", { id: "days" }, offered.map((value) =>
    h("option", { value, selected: value === days }, plural(value, "day"))));
  select.addEventListener("change", () => chosen(select.value));
  return h("div", { class: `field ${look}` }, h("label", { for: "days" }, "Unused for"), select);
}

/** For how long uses are counted, in words. */
export function counted({ since }, { at }) {
  const seconds = Math.max(0, at - since);
  if (seconds < 3600) return "less than an hour";
  if (seconds < 86400) return plural(Math.floor(seconds / 3600), "hour");
  return plural(Math.floor(seconds / 86400), "day");
}

/** Whether uses are counted for less than the days that are asked for. */
export const isShort = ({ since }, { at, days }) => at - since < days * 86400;

/** What is told where they are, of all or of some. */
export function shortNote(uses, period, who = "Counted") {
  return h("p", { class: "note", role: "note" },
    h("strong", null, `${who} for ${counted(uses, period)} only.`),
    ` What was not used in that time is not called unused: it would have to be counted for ${plural(period.days, "day")}.`);
}
