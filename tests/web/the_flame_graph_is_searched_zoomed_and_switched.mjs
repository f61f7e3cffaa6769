// tests/web/the_flame_graph_is_searched_zoomed_and_switched.mjs -- by pointer, by
// keys alone, and by a link to what is shown.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { address, digits, nothingWrong, open, pageOf } from "./lib.mjs";
import { sample } from "./sample.mjs";

const data = sample();
const shop = data.processes[0];
const file = pageOf(data);
const sum = (key, sites = shop.sites) => sites.reduce((all, site) => all + site[key], 0);
const nameOf = (frame) => shop.strings[shop.frames[frame][0]];
const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;

const frame = (page, name) =>
  page.locator(".frame", { has: page.locator(`text="${name}"`) }).first();
const about = (page) => page.locator(".about").innerText();
const focused = (page) => page.evaluate(() => document.activeElement.innerText);
const widths = (page, name) =>
  frame(page, name).evaluate((box) => [
    box.getBoundingClientRect().width,
    box.parentElement.clientWidth,
  ]);

test("a search tells the share of the bytes under what matches", async () => {
  const page = await open(file);
  const hit = shop.sites.filter((site) => site.stack.some((at) => nameOf(at).includes("json")));
  await page.keyboard.press("/");
  await page.keyboard.type("JSON_");
  assert.equal(
    await page.locator(".matched").innerText(),
    `${percent(sum("live_bytes", hit), sum("live_bytes"))} matched`,
  );
  const marked = await page.locator(".frame.match").allInnerTexts();
  assert.ok(
    marked.length > 0 &&
      marked.every(
        (name) => name === "" || name.includes("json") || name.startsWith("Product::Product(json"),
      ),
  );
  assert.match(await address(page), /#search=JSON_/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".frame.match").count(), 0);
  nothingWrong(page);
});

test("Ctrl-F goes to the search, and from there to the browser's own", async () => {
  const page = await open(file);
  await page.evaluate(() =>
    addEventListener("keydown", (e) => (window.taken = e.defaultPrevented)),
  );
  await page.keyboard.press("Control+f");
  assert.equal(await page.evaluate(() => window.taken), true);
  assert.equal(await page.evaluate(() => document.activeElement.type), "search");
  await page.keyboard.press("Control+f");
  assert.equal(await page.evaluate(() => window.taken), false);
});

test("arrows move, Enter zooms, Backspace goes out one, Escape all the way", async () => {
  const page = await open(file);
  await frame(page, "all").focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown"])
    await page.keyboard.press(key);
  assert.equal(await focused(page), "Server::run()");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "Catalog::load(char const*)");
  assert.match(await about(page), /catalog\.cc/);
  await page.keyboard.press("Enter");
  const [wide, whole] = await widths(page, "Catalog::load(char const*)");
  assert.ok(Math.abs(wide - whole) < 3, `${wide} of ${whole}`);
  assert.equal(await frame(page, "Server::run()").count(), 0);
  assert.equal(await focused(page), "Catalog::load(char const*)");
  await page.keyboard.press("Backspace");
  assert.equal(await focused(page), "main");
  assert.equal(await frame(page, "Server::run()").count(), 1);
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "all");
  assert.doesNotMatch(await address(page), /zoom/);
  nothingWrong(page);
});

test("in use, at the peak and allocated are sums of the data", async () => {
  const page = await open(file);
  const whole = async () => digits((await about(page)).match(/\(([0-9,]+) B\)/)[1]);
  assert.equal(await whole(), sum("live_bytes"));
  await page.getByRole("button", { name: "At the peak" }).click();
  assert.equal(await whole(), sum("at_peak_bytes"));
  await page.getByRole("button", { name: "Allocated" }).click();
  assert.equal(await whole(), sum("allocated_bytes"));
  assert.match(await address(page), /measure=allocated/);
});

test("inverted, what allocates stands on top of who calls it", async () => {
  const page = await open(file);
  await page.getByRole("button", { name: "Invert" }).click();
  const top = await page
    .locator(".frame[aria-level='2']")
    .evaluateAll((boxes) => boxes.map((b) => b.innerText));
  const innermost = new Set(shop.sites.map((site) => nameOf(site.stack[0])));
  assert.ok(top.length > 1 && top.every((name) => name === "" || innermost.has(name)), top.join());
});

test("a link shows the same again", async () => {
  const page = await open(file);
  await page.getByRole("button", { name: "Allocated" }).click();
  await page.getByRole("button", { name: "Invert" }).click();
  await frame(page, "std::string::append(char const*)").click();
  await page.getByRole("searchbox").fill("page.cc");
  const before = [await about(page), await page.locator(".matched").innerText()];
  const again = await open(file, { hash: new URL(await address(page)).hash });
  assert.deepEqual([await about(again), await again.locator(".matched").innerText()], before);
  assert.equal(
    await again.getByRole("button", { name: "Invert" }).getAttribute("aria-pressed"),
    "true",
  );
  await again.getByRole("button", { name: "Reset zoom" }).click();
  assert.match(await about(again), /^all/);
  nothingWrong(again);
});

test("a finding tells who holds its blocks, where that is known", async () => {
  const page = await open(file);
  const cards = page.locator("article");
  const way = cards.first().getByRole("list", { name: /^Held by/ });
  assert.deepEqual(await way.getByRole("listitem").allInnerTexts(), [
    "global sessions in shop",
    "main (main.cc:12)",
    "…",
    "SessionCache::put (cache.cc:47)",
  ]);
  assert.match(await cards.first().innerText(), /151 MiB would be free if these blocks went\./);
  assert.equal(await cards.nth(1).getByRole("list", { name: /^Held by/ }).count(), 0);
  nothingWrong(page);
});

test("a finding unfolds its stack and shows its place", async () => {
  const page = await open(file);
  const card = page.locator("article").first();
  assert.equal(await card.locator(".stack li").count(), 0);
  // In the same turn: what opens must not be empty for a moment.
  const frames = await card.getByText("Stack of 8 frames").evaluate((summary) => {
    summary.click();
    return summary.closest("details").querySelectorAll("li").length;
  });
  assert.equal(frames, shop.findings[0].stack.length);
  assert.match(await card.locator("li.blame").innerText(), /^SessionCache::put.*cache\.cc:47/);
  await card.getByRole("button", { name: "Show in the flame graph" }).click();
  const [wide, whole] = await widths(page, "operator new(unsigned long)");
  assert.ok(Math.abs(wide - whole) < 3, `${wide} of ${whole}`);
  nothingWrong(page);
});
