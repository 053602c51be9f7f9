// An input that names an application, with what fits what is typed below it.

import * as api from "./api.js";
import { h, settled } from "./dom.js";

const PAUSE = 150;
let made = 0;

/** `chosen` hears of a name that is there. */
export function applicationInput({ label, value = "", name, required, chosen, signal }) {
  const number = ++made;
  const list = h("datalist", { id: `fitting-${number}` });
  const input = h("input", {
    id: `application-${number}`, name, value, required, list: list.id, type: "search",
    autocomplete: "off", spellcheck: "false", placeholder: "part of a name",
  });
  const offer = settled(PAUSE, async () => {
    const found = await api.applications(input.value, 0, signal).catch(() => null);
    if (!found) return;
    list.replaceChildren(...found.applications.map(({ id }) => h("option", { value: id })));
  });
  input.addEventListener("focus", offer);
  input.addEventListener("input", () => {
    const isOffered = [...list.children].some((option) => option.value === input.value);
    if (isOffered) chosen?.(input.value);
    else offer();
  });
  return h("div", { class: "field" },
    h("label", { for: input.id }, label), input, list);
}
