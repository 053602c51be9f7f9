// Why a request is let in or not, by a token that is pasted.
//
// The token is read from its field into the body of one request. It is in no address, no storage
// and no other element, and the field is emptied as soon as the question is on its way.

import * as api from "./api.js";
import { badge, facts, failure, h, section } from "./dom.js";
import { calling, placeText, verdict } from "./format.js";
import { applicationInput } from "./search.js";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

export async function show(subject, _, signal) {
  const token = h("textarea", {
    id: "token", rows: "4", maxlength: "60000", autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", "data-1p-ignore": true, "data-lpignore": "true",
    "aria-describedby": "token-note", placeholder: "eyJ…",
  });
  const answer = h("div", { "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "main" }, "Explain");
  const form = h("form", { class: "card form", autocomplete: "off" },
    h("div", { class: "row" },
      applicationInput({
        label: "Application that is called", name: "application", value: subject ?? "",
        required: true, signal,
      }),
      h("div", { class: "field narrow" },
        h("label", { for: "method" }, "Method"),
        h("select", { id: "method" }, METHODS.map((name) => h("option", null, name)))),
      h("div", { class: "field" },
        h("label", { for: "path" }, "Path"),
        h("input", { id: "path", value: "/", required: true, spellcheck: "false" }))),
    h("div", { class: "field" },
      h("label", { for: "token" }, "Token"),
      token,
      h("p", { id: "token-note", class: "note" },
        "Goes to Portvakt in the body of one request, is forgotten there, and leaves this field " +
        "at once. Empty for a request without a token.")),
    h("details", null,
      h("summary", null, "The workload that presents it"),
      h("div", { class: "field" },
        h("label", { for: "presented-by" }, "SPIFFE id"),
        h("input", {
          id: "presented-by", spellcheck: "false",
          placeholder: "spiffe://cluster.local/ns/namespace/sa/application",
        }))),
    h("div", { class: "row end" }, button));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (id) => form.querySelector(`#${id}`).value.trim();
    const question = {
      application: form.querySelector("[name=application]").value.trim(),
      method: value("method"),
      path: value("path"),
      token: token.value.trim(),
      presented_by: value("presented-by"),
    };
    token.value = "";
    button.disabled = true;
    try {
      const explanation = await api.explain(question);
      if (signal.aborted) return;
      answer.replaceChildren(explained(explanation, question));
      answer.scrollIntoView();
    } catch (error) {
      if (!signal.aborted) answer.replaceChildren(failure(error));
    } finally {
      question.token = "";
      button.disabled = false;
    }
  });
  // What a browser keeps of a page that is left holds no token.
  signal.addEventListener("abort", () => { token.value = ""; });
  addEventListener("pagehide", () => { token.value = ""; }, { signal });
  return {
    title: "Explain",
    content: [h("div", { class: "head" }, h("h1", null, "Explain a request")), form, answer],
  };
}

function explained(explanation, { method, path }) {
  const { decision, mode, reason, status, detail, caller, steps } = explanation;
  const isRefused = detail !== undefined;
  return h("div", { class: "columns even" },
    section("Decision",
      h("p", { class: "verdict" },
        verdict(decision, mode), " ", h("code", null, reason), " ",
        h("span", { class: "request" }, `${method} ${path}`)),
      detail ? h("p", null, detail) : null,
      facts([
        ["Caller", caller ? calling(caller) : null],
        ["HTTP status", status ?? null],
      ]),
      h("h3", null, "Steps"),
      h("ol", { class: "steps" }, steps.map(step)),
      isRefused ? h("p", { class: "note" }, "No further step was taken; another may refuse as well.") : null),
    h("div", null,
      stated("Decided by", explanation.decided_by),
      stated(isRefused ? "What would let it in" : "What would keep it out", explanation.remedies),
      stated("Notes", explanation.notes.map((what) => ({ what })))));
}

/** What decided, or what would change it, with its places and what to write there. */
function stated(title, list) {
  if (list.length === 0) return null;
  return section(title, h("ul", { class: "stated" }, list.map(({ by, what, at, text }) =>
    h("li", null,
      by ? [badge("faint", by), " "] : null, what,
      at?.map((place) => h("div", { class: "place" }, placeText(place))),
      text ? h("pre", { tabindex: "0" }, text) : null))));
}

function step({ step: name, refused, inputs }) {
  return h("li", { class: refused ? "refused" : "passed" },
    h("div", { class: "step" },
      h("strong", null, name.replaceAll("_", " ")), " ",
      refused ? badge("bad", "refused") : badge("good", "passed")),
    inputs.length > 0
      ? h("dl", { class: "facts small" },
          inputs.map(({ name: key, value }) => [h("dt", null, key), h("dd", null, value || "–")]))
      : null);
}
