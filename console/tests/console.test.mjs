// What people do with the console, in a real browser. Started by the end-to-end tests, which have
// everything around it: see tests/e2e/console/browser.rs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { contrasts } from "./contrast.mjs";
import { call, launch, open, scene } from "./support.mjs";

const CHECKOUT = "test:team-checkout:checkout";
const at = (page, id) => `#/${page}/${encodeURIComponent(id)}`;

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** A test on a page of its own, which must meet no fault. */
function visit(name, hash, then, options) {
  test(name, async () => {
    const { page, asked, faults, close } = await open(browser, hash, options);
    await then(page, asked, faults);
    assert.deepEqual(await close(), [], "the browser met faults");
  });
}

visit("an application is found by a part of its name", "", async (page) => {
  await page.getByRole("heading", { name: "Applications" }).waitFor();
  await page.getByLabel("Search").fill("CHECK");
  await page.getByText("1 application", { exact: true }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  assert.match(page.url(), /search=CHECK/);
  await page.getByRole("link", { name: /^checkout/ }).click();
  await page.getByRole("heading", { name: /^checkout/ }).waitFor();
  assert.match(await page.title(), /^checkout – Portvakt/);
});

visit("an application's page tells who may call, and how its keys are", at("applications", CHECKOUT),
  async (page) => {
    const rule = (name) => page.getByRole("row", { name: new RegExp(`^${name}`) });
    await rule("storefront").getByText(/mesh\.yaml:\d+:\d+$/).waitFor();
    assert.match(await rule("legacy-import").textContent(), /Unresolved/);
    assert.match(await rule("mobile-app").textContent(), /Unused.*none, counted for 40 days/);
    assert.match(await rule("warehouse").textContent(), /Not used yet.*counted for 3 days only/);
    assert.equal(await page.getByText("Counted for 40 days only.").count(), 0);
    const about = page.getByRole("region", { name: "About" });
    assert.match(await about.textContent(), /1 key asked for .* ago/);
    assert.match(await about.textContent(), /checkout\.test/);
    assert.match(await about.textContent(), /mesh\.yaml:\d+:\d+$/);

    await page.getByLabel("Unused for").selectOption("90 days");
    await page.getByText("Counted for 40 days only.").waitFor();
    assert.match(await rule("mobile-app").textContent(), /Not used yet.*counted for 40 days only/);
    await page.getByRole("link", { name: "Graph", exact: true }).last().click();
    await page.getByRole("img", { name: /Graph around/ }).waitFor();
    assert.equal(await page.getByLabel("Unused for").inputValue(), "90", "the days are kept");
  });

visit("the graph shows the neighbourhood of its focus, and moves with it", at("graph", CHECKOUT),
  async (page) => {
    const drawn = page.getByRole("img", { name: /Graph around/ });
    await drawn.waitFor();
    assert.match(await drawn.getAttribute("aria-label"), /7 callers, 4 called/);
    assert.ok(await isDrawn(page), "nothing is drawn");
    await page.getByRole("region", { name: "Called, granted or denied" }).getByRole("link", { name: /payments/ }).click();
    await page.getByRole("img", { name: /Graph around test:team-finance:payments/ }).waitFor();
    await page.getByLabel("Reach").selectOption("2");
    await page.getByRole("region", { name: "Further away" }).waitFor();
    assert.ok(await isDrawn(page), "nothing is drawn");
  });

visit("every line of the graph is lit by its entry in the list", at("graph", CHECKOUT),
  async (page) => {
    await page.getByRole("img", { name: /Graph around/ }).waitFor();
    await isDrawn(page);
    const entries = page.locator("[data-edge]");
    const numbers = await entries.evaluateAll((list) => list.map(({ dataset }) => dataset.edge));
    assert.ok(numbers.includes("0") && numbers.length > 5, numbers.join());
    // The first change of all redraws what was drawn in haste.
    for (const number of [numbers.at(-1), ...numbers]) {
      await page.evaluate(() => document.activeElement.blur());
      const unlit = await settledLook(page);
      await page.locator(`[data-edge="${number}"]`).focus();
      assert.notEqual(await settledLook(page), unlit, `the line of entry ${number} is not lit`);
    }
  });

visit("a new denial shows by itself, and filters hold", "#/decisions", async (page) => {
  await page.getByText("Nothing that fits was decided yet").waitFor();
  assert.equal(await call(scene.refused, "/cart/first"), 403);
  await page.getByRole("row", { name: /consumer_not_granted.*\/cart\/first/ }).waitFor();
  await page.getByLabel("Decision", { exact: true }).selectOption("deny");
  await page.getByLabel("Reason").fill("token_missing");
  await page.getByText("Nothing that fits was decided yet").waitFor();
  assert.equal(await call(scene.granted, "/cart/granted"), 200);
  assert.equal(await call(null, "/cart/second"), 401);
  await page.getByRole("row", { name: /token_missing.*\/cart\/second/ }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.getByRole("button", { name: "Live" }).click();
  await page.getByRole("button", { name: "Held", pressed: false }).waitFor();
});

visit("what candidate documents decide otherwise is shown, and found", "#/decisions", async (page) => {
  assert.equal(await call(scene.refused, "/cart/otherwise"), 403);
  assert.equal(await call(null, "/cart/likewise"), 401);
  await page.getByRole("row", { name: /token_missing.*\/cart\/likewise/ }).waitFor();
  const row = page.getByRole("row", { name: /\/cart\/otherwise/ });
  await row.getByText("Candidates: allow application_granted").waitFor();
  await page.getByLabel("Candidates differ").check();
  await page.getByRole("row", { name: /token_missing/ }).first().waitFor({ state: "detached" });
  await row.waitFor();
  assert.match(page.url(), /candidate=differs/);
});

visit("a denied attempt is an edge of its own look", at("graph", CHECKOUT), async (page) => {
  const callers = page.getByRole("region", { name: "Callers, granted or denied" });
  await callers.getByRole("listitem").filter({ hasText: "crawler" }).getByText("Denied").waitFor();
});

visit("a pasted token is explained by, and is nowhere afterwards", "#/explain", async (page, asked) => {
  await page.getByLabel("Application that is called").fill(CHECKOUT);
  await page.getByLabel("Token").fill(scene.refused);
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByRole("region", { name: "Decision" }).getByText("consumer_not_granted").waitFor();
  await page.getByRole("region", { name: "What would let it in" }).waitFor();
  assert.equal(await page.getByLabel("Token").inputValue(), "");

  const kept = await page.evaluate(async () => JSON.stringify([
    location.href, document.documentElement.outerHTML, document.cookie, history.state,
    { ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), await caches.keys(),
    performance.getEntries().map((entry) => entry.name),
    [...document.querySelectorAll("input, textarea")].map((field) => field.value),
  ]));
  const [question] = asked.filter((request) => request.method() === "POST");
  assert.ok(question.postData().includes(scene.refused));
  const told = asked.map((request) =>
    [request.url(), JSON.stringify(request.headers()), request === question ? "" : request.postData()]);
  for (const part of scene.refused.split(".")) {
    assert.ok(!kept.includes(part), "the page keeps the token");
    assert.ok(!told.flat().join().includes(part), "another request holds the token");
  }
  const field = page.getByLabel("Token");
  assert.equal(await field.getAttribute("autocomplete"), "off");
  assert.equal(await field.getAttribute("name"), null, "a form that is sent would hold it");
});

visit("everything is reached by the keyboard, and what has the focus is seen", "", async (page) => {
  await page.getByRole("link", { name: /^checkout/ }).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  const focused = () => page.evaluate(() => {
    const { textContent, tagName, id } = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return { text: textContent.trim(), tagName, id, outline: `${outlineStyle} ${outlineWidth}` };
  });
  const met = [];
  for (let step = 0; step < 14; step += 1) {
    await page.keyboard.press("Tab");
    met.push(await focused());
  }
  const texts = met.map(({ text, id }) => text || id);
  assert.deepEqual(texts.slice(0, 6),
    ["Skip to content", "Portvakt", "Applications", "Graph", "Decisions", "Explain"]);
  for (const { outline, text } of met) assert.equal(outline, "solid 3px", `no focus is seen at ${text}`);

  await page.keyboard.press("Control+Home");
  await page.getByLabel("Search").focus();
  await page.keyboard.type("checkout");
  await page.getByText("1 application", { exact: true }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^checkout/ }).waitFor();
  assert.equal((await focused()).id, "main", "a new page begins at its content");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("img", { name: /Graph around/ }).waitFor();
});

visit("no page is wider than a phone", "", async (page) => {
  for (const hash of ["#/applications", at("applications", CHECKOUT), at("graph", CHECKOUT),
    "#/graph", "#/decisions", at("explain", CHECKOUT)]) {
    await page.goto(`${scene.console}/${hash}`);
    await page.locator("main h1").waitFor();
    const wider = await page.evaluate(() =>
      [...document.querySelectorAll("body, body *")].filter((element) => !element.closest(".skip, .canvas, .unseen, thead, details:not([open]) *"))
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => `${element.tagName} ${element.textContent.slice(0, 30)}`));
    assert.deepEqual(wider, [], hash);
  }
}, { viewport: { width: 360, height: 740 } });

visit("a page that is not there says where to go on", at("applications", "test:team-checkout:gone"),
  async (page, asked, faults) => {
    await page.getByRole("alert").getByText("test:team-checkout:gone is not known here.").waitFor();
    await page.getByRole("link", { name: "All applications" }).click();
    await page.getByRole("heading", { name: "Applications" }).waitFor();
    // What a browser notes of any answer of 404.
    assert.equal(faults.splice(0).length, 1);
  });

for (const colorScheme of ["light", "dark"]) {
  visit(`texts can be read in ${colorScheme}`, "", async (page) => {
    for (const hash of ["#/applications", at("applications", CHECKOUT), at("graph", CHECKOUT),
      "#/decisions", "#/explain"]) {
      await page.goto(`${scene.console}/${hash}`);
      await page.locator("main h1").waitFor();
      for (const { text, ratio } of await page.evaluate(contrasts)) {
        assert.ok(ratio >= 4.5, `${hash}: "${text}" has a contrast of ${ratio.toFixed(2)}`);
      }
    }
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = background.match(/\d+/).map(Number);
    assert.equal(red > 127, colorScheme === "light", background);
  }, { colorScheme });
}

test("pictures", { skip: !scene.pictures }, async () => {
  for (let time = 0; time < 4; time += 1) {
    for (const token of scene.callers) await call(token, `/cart/${time}`);
    await call(scene.refused, "/orders");
    await call(null, "/cart");
  }
  for (const [name, hash, colorScheme] of [
    ["graph", at("graph", CHECKOUT), "light"],
    ["graph-dark", at("graph", CHECKOUT), "dark"],
    ["decisions", "#/decisions", "light"],
    ["decisions-dark", "#/decisions", "dark"],
    ["application", at("applications", CHECKOUT), "light"],
    ["application-dark", at("applications", CHECKOUT), "dark"],
    ["applications", "#/applications", "light"],
    ["explain", at("explain", CHECKOUT), "light"],
  ]) {
    const { page, close } = await open(browser, hash, { colorScheme });
    await page.locator("main h1").waitFor();
    if (name === "explain") {
      await page.getByLabel("Token").fill(scene.refused);
      await page.getByRole("button", { name: "Explain" }).click();
      await page.getByRole("region", { name: "Decision" }).waitFor();
    }
    if (name.startsWith("graph")) await isDrawn(page);
    if (name.startsWith("decisions")) await page.getByRole("row", { name: /cart/ }).first().waitFor();
    await page.screenshot({ path: `${scene.pictures}/${name}.png` });
    await close();
  }
});

/** Whether a canvas holds anything. */
function isDrawn(page) {
  return page.waitForFunction(() => [...document.querySelectorAll(".canvas canvas")].some((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value !== 0);
  }));
}

/** What the graph looks like, once it has looked so for some frames. */
function settledLook(page) {
  return page.evaluate(async () => {
    const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
    let [look, frames] = ["", 0];
    while (frames < 10) {
      await frame();
      const now = [...document.querySelectorAll(".canvas canvas")].map((canvas) => canvas.toDataURL()).join();
      frames = now === look ? frames + 1 : 0;
      look = now;
    }
    return look;
  });
}
