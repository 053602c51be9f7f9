// Everything about one application.

import * as api from "./api.js";
import { badge, facts, h, section, table } from "./dom.js";
import {
  access, ago, applicationLink, graphLink, linked, parts, placeText, plural, since, standing,
} from "./format.js";
import { row as decisionRow } from "./decisions.js";
import { counted, isShort, periodInput, shortNote } from "./period.js";

export async function show(id, parameters, signal) {
  const days = parameters.get("days") ?? "";
  const [page, refused] = await Promise.all([
    api.application(id, days, signal),
    api.decisions({ application: id, decision: "refused", after: 0 }, signal),
  ]);
  const { name, namespace, cluster } = parts(page.id);
  return {
    title: name,
    content: [
      h("div", { class: "head" },
        h("h1", null, name, " ", h("span", { class: "where" }, `${namespace} · ${cluster}`)),
        standing(page.standing),
        h("span", { class: "actions" },
          h("a", { class: "button", href: graphLink(page.id, { days }) }, "Graph"),
          h("a", { class: "button", href: `#/decisions?application=${encodeURIComponent(page.id)}` },
            "Decisions"),
          h("a", { class: "button", href: `#/explain/${encodeURIComponent(page.id)}` }, "Explain"),
          periodInput(page.period, "inline", (days) => {
            location.hash = applicationLink(page.id, { days });
          }))),
      page.disabled_because
        ? h("p", { class: "failure" }, `Nobody gets in: ${page.disabled_because}`) : "",
      page.uses && isShort(page.uses, page.period) ? shortNote(page.uses, page.period) : "",
      h("div", { class: "columns" },
        h("div", null, rules(page), users(page), denials(refused.decisions)),
        h("div", null, about(page))),
    ],
  };
}

function rules(page) {
  const rows = page.rules.map((rule) => h("tr", null,
    h("td", null, rule.consumer ? linked(rule.consumer) : "Any application (*)"),
    h("td", null, access(rule.state)),
    h("td", null, lastUse(rule, page)),
    h("td", { class: "place" }, placeText(rule.place))));
  return section("Applications that may call",
    table("Rules", ["Caller", "State", "Last use", "Stated at"], rows,
      "No rule: no other application gets in."));
}

function users(page) {
  const row = (who, users) => h("tr", null,
    h("td", null, who),
    h("td", null, access(users.state)),
    h("td", null, lastUse(users, page)),
    h("td", { class: "place" }, placeText(users.place)));
  const rows = [
    ...(page.all_users ? [row("All users of the tenant", page.all_users)] : []),
    ...page.groups.map((group) => row(["Group ", h("code", null, group.id)], group)),
  ];
  return section("Users that may call",
    table("Users", ["Who", "State", "Last use", "Stated at"], rows,
      "No group and no allowAllUsers: no user gets in."));
}

/** When it was used last; of what was not, for how long that is counted. */
function lastUse({ uses, state }, { period }) {
  if (!uses) return "–";
  const told = `counted for ${counted(uses, period)}`;
  if (uses.last) {
    return h("span", { title: told },
      since(uses.last), " ", h("span", { class: "faint" }, `(${plural(uses.times, "time")})`));
  }
  const none = state === "uncounted" ? `none, ${told} only` : `none, ${told}`;
  return h("span", { class: "faint" }, none);
}

function denials(decisions) {
  const columns = ["Time", "Decision", "Reason", "Caller", "Request"];
  return section("Refused lately",
    table("Refused lately", columns, decisions.slice(0, 20).map((decision) => decisionRow(decision, { isOfOne: true })),
      "Nothing that this instance remembers."));
}

function about(page) {
  const { issuer } = page;
  const keys = !issuer
    ? null
    : issuer.trusted
      ? [badge("good", plural(issuer.keys, "key")), ` asked for ${ago(issuer.age_seconds)}`]
      : badge("bad", "none that are trusted");
  const lines = (values) =>
    values.length === 0 ? "none" : values.map((value) => h("div", null, h("code", null, value)));
  return section("About",
    facts([
      ["Client id", page.client_id ? h("code", null, page.client_id) : null],
      ["Tenant", issuer ? [h("div", null, h("code", null, issuer.tenant)), h("div", { class: "faint" }, issuer.name)] : null],
      ["Keys of its issuer", keys],
      ["Mode", page.standing === "shadow" ? "shadow: nobody is kept out" : page.standing === "disabled" ? "lets nobody in" : "enforce"],
      ["Hosts", lines(page.hosts)],
      ["Paths without a token", lines(page.open_paths)],
      ["Described at", h("span", { class: "place" }, placeText(page.place))],
    ]));
}

