// A browser that tells of everything it should not have met.

import { readFileSync } from "node:fs";
import { request } from "node:http";
import { chromium } from "playwright-core";

/** Debian's; nothing is downloaded. */
const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const PATIENCE = 15_000;

/** Where everything is, and the tokens: handed over by who starts this. */
export const scene = JSON.parse(readFileSync(process.env.CONSOLE_SCENE, "utf8"));

export const launch = () => chromium.launch({ executablePath: BROWSER });

/** A page of the console, and what went wrong on it. */
export async function open(browser, hash = "", options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1360, height: 800 }, reducedMotion: "reduce", ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const faults = [];
  const asked = [];
  context.on("request", (request) => {
    asked.push(request);
    if (new URL(request.url()).origin !== scene.console) faults.push(`asked ${request.url()}`);
  });
  await context.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) =>
      globalThis.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.stack));
  await page.goto(`${scene.console}/${hash}`);
  const close = async () => {
    faults.push(...await page.evaluate(() => globalThis.violations));
    await context.close();
    return faults;
  };
  return { page, asked, faults, close };
}

/** A request to checkout through Envoy; resolves to its status. */
export function call(token, path = "/cart") {
  const { hostname, port } = new URL(scene.envoy);
  const headers = { host: "checkout.test", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject);
    sent.end();
  });
}
