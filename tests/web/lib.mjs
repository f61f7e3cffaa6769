// tests/web/lib.mjs -- what the tests of the pages share: a browser, pages out of data, and checks.
// The environment names MIDDEN (the command) and SOURCE (this repository).
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(path.join(process.env.SOURCE, "web/"))("playwright-core");

export const place = fs.mkdtempSync(path.join(os.tmpdir(), "midden-web-"));

export function midden(...words) {
  return execFileSync(process.env.MIDDEN, words, {
    cwd: place,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

// The page that the command makes of these data.
export function pageOf(data, name = "page") {
  fs.writeFileSync(path.join(place, `${name}.json`), JSON.stringify(data));
  midden("report", "-o", `${name}.html`, `${name}.json`);
  return path.join(place, `${name}.html`);
}

let browser = null;
after(async () => {
  await browser?.close();
  fs.rmSync(place, { recursive: true, force: true });
});

async function start() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

// An empty page in a browser without a history.
export async function blankPage(options = {}) {
  browser ??= await start();
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  return context.newPage();
}

// Opens a page; what went wrong in it is in `page.wrong`.
export async function open(file, { hash = "", ...options } = {}) {
  const page = await blankPage(options);
  page.wrong = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.wrong.push(m.text()));
  page.on("pageerror", (e) => page.wrong.push(String(e)));
  page.on("dialog", (d) => page.wrong.push(`a dialog: ${d.message()}`) && d.dismiss());
  page.on(
    "request",
    (r) =>
      r.url().split("#")[0] === pathToFileURL(file).href ||
      page.wrong.push(`a request: ${r.url()}`),
  );
  await page.goto(`${pathToFileURL(file)}${hash}`);
  await page.waitForSelector("footer, [role=alert]");
  return page;
}

// As the page itself has it: what the browser tells of it may come later.
export function address(page) {
  return page.evaluate(() => location.href);
}

export function nothingWrong(page) {
  assert.deepEqual(page.wrong, []);
}

// What stands in the rows of a table: for each cell its words, and its exact figures.
export function rowsOf(page, label) {
  return page
    .getByRole("region", { name: label, exact: true })
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) =>
        [...row.cells].map((cell) => ({ words: cell.innerText.trim(), exactly: cell.title })),
      ),
    );
}

// The digits of "1,234 B".
export function digits(words) {
  return Number(words.replace(/[^0-9]/g, ""));
}
