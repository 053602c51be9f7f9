// Measures the console of a large mesh, and prints milliseconds as JSON. Started by
// tests/console_scale.

import { call, launch, open, scene } from "./support.mjs";

const DENIALS = 10;

const browser = await launch();

/** From the address to the first paint of the graph, with an empty cache. */
async function painted(hash, sizes) {
  const { page, close } = await open(browser, "cytoscape-licence.txt");
  page.on("response", async (response) => {
    if (response.url().includes("/api/graph")) sizes.push((await response.body()).length);
  });
  await page.goto(`${scene.console}/${hash}`);
  const mark = await page.waitForFunction(() =>
    performance.getEntriesByName("graph-drawn")[0]?.startTime);
  const time = await mark.jsonValue();
  await close();
  return time;
}

/** From the answer to a call until its row is shown. */
async function shown() {
  const { page, close } = await open(browser, "#/decisions");
  await page.locator("tbody tr").first().waitFor();
  const times = [];
  for (let number = 0; number < DENIALS; number += 1) {
    await call(null, `/denied/${number}`);
    const began = performance.now();
    await page.getByText(`/denied/${number}`).waitFor();
    times.push(performance.now() - began);
  }
  await close();
  return times;
}

const sizes = [];
const measured = { painted: [], painted_far: [] };
for (const focus of scene.focuses) {
  const hash = `#/graph/${encodeURIComponent(focus)}`;
  measured.painted.push(await painted(hash, sizes));
  measured.painted_far.push(await painted(`${hash}?depth=3`, sizes));
}
measured.shown = await shown();
measured.graph_bytes = Math.max(...sizes);
await browser.close();
console.log(JSON.stringify(measured));
