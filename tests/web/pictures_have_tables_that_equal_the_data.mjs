// tests/web/pictures_have_tables_that_equal_the_data.mjs -- what cannot be seen can be read.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { address, digits, nothingWrong, open, pageOf, rowsOf } from "./lib.mjs";
import { sample } from "./sample.mjs";

const data = sample();
const shop = data.processes[0];
const file = pageOf(data);
const by = (key) => (a, b) => b[key] - a[key];

test("the table of sites has every site and its figures", async () => {
  const page = await open(file, { hash: "#view=sites" });
  const rows = await rowsOf(page, "Sites");
  const sites = [...shop.sites].sort(by("live_bytes"));
  assert.equal(rows.length, sites.length);
  rows.forEach((row, i) => {
    const [name, live, blocks, peak, allocated, calls, samples] = row;
    const [place, , line] = shop.frames[sites[i].stack[sites[i].place]];
    assert.ok(
      (name.words.startsWith(shop.strings[place]) && name.words.endsWith(`:${line}`)) || line === 0,
      name.words,
    );
    assert.deepEqual(
      [live, blocks, peak, allocated, calls, samples].map((cell) => digits(cell.exactly)),
      [
        "live_bytes",
        "live_blocks",
        "peak_bytes",
        "allocated_bytes",
        "allocated_blocks",
        "samples",
      ].map((key) => sites[i][key]),
    );
  });
  await page.getByRole("button", { name: "Allocated" }).last().click();
  const most = [...shop.sites].sort(by("allocated_bytes"))[0].allocated_bytes;
  assert.equal(digits((await rowsOf(page, "Sites"))[0][4].exactly), most);
  nothingWrong(page);
});

test("the table of functions counts a byte once, however deep a recursion", async () => {
  const page = await open(file, { hash: "#view=functions&measure=allocated" });
  const rows = await rowsOf(page, "Functions");
  const wanted = new Map();
  for (const site of shop.sites)
    for (const name of new Set(site.stack.map((at) => shop.strings[shop.frames[at][0]])))
      wanted.set(name, (wanted.get(name) ?? 0) + site.allocated_bytes);
  assert.equal(rows.length, wanted.size);
  for (const [name, , total] of rows) {
    const known = [...wanted.keys()]
      .filter((word) => name.words.startsWith(word))
      .sort((a, b) => b.length - a.length);
    assert.equal(digits(total.exactly), wanted.get(known[0]), name.words);
  }
});

test("the table over time has every look", async () => {
  const page = await open(file);
  await page.getByText("The same as a table").click();
  const rows = await rowsOf(page, "Memory over time");
  const past = shop.history;
  assert.equal(rows.length, past.seconds.length);
  rows.forEach((row, t) => {
    assert.equal(digits(row[1].exactly), past.resident[t]);
    assert.equal(digits(row[2].exactly), past.live[t]);
    past.lines.forEach((site, i) => assert.equal(digits(row[3 + i].exactly), site.bytes[t]));
  });
});

test("histograms and the map of the spans add up to the classes", async () => {
  const page = await open(file);
  const exactly = (label) =>
    page
      .getByRole("table", { name: label })
      .locator("tbody td[title]")
      .evaluateAll((cells) => cells.map((c) => c.title));
  const bytes = (await exactly("Live, by size of block")).map((words) =>
    digits(words.split(" B ")[0]),
  );
  const live = shop.classes.reduce((all, k) => all + k.live_bytes, shop.large.live_bytes);
  assert.equal(
    bytes.reduce((a, b) => a + b),
    live,
  );
  const freed = shop.sites.reduce((all, site) => all + site.lives.reduce((a, b) => a + b), 0);
  const still = shop.sites.reduce((all, site) => all + site.live_blocks, 0);
  assert.equal(
    (await exactly("Lifetimes")).map(digits).reduce((a, b) => a + b),
    freed + still,
  );
  const spans = await rowsOf(page, "Spans by size class");
  assert.equal(spans.length, shop.classes.length);
  for (const [block, , alive, not, all] of spans) {
    const k = shop.classes.find((k) => k.block_bytes === digits(block.exactly));
    assert.deepEqual(
      [alive, not, all].map((cell) => digits(cell.exactly)),
      [k.live_bytes, k.spans * k.span_bytes - k.live_bytes, k.spans * k.span_bytes],
    );
  }
});

test("the histogram of pauses counts every collection, the last ones stand in a table", async () => {
  const page = await open(file);
  const c = shop.collections;
  const pauses = await page
    .getByRole("table", { name: "Pauses" })
    .locator("tbody tr")
    .evaluateAll((rows) => rows.map((row) => row.innerText.split("\t").slice(0, 2)));
  assert.deepEqual(pauses, [
    ["under 2.1 ms", "55"],
    ["under 4.19 ms", "60"],
    ["under 8.39 ms", "3"],
    ["under 16.8 ms", "0"],
    ["under 33.6 ms", "3"],
  ]);
  assert.equal(
    await page.getByRole("table", { name: "Left to the program" }).locator("tbody tr").count(),
    c.utilisation.length,
  );
  await page.getByText("The last collections").click();
  const rows = await rowsOf(page, "The last collections");
  assert.equal(rows.length, c.last.length);
  rows.forEach((row, i) => {
    const one = c.last[c.last.length - 1 - i];
    assert.equal(row[0].words, `${one.number}, ${one.major ? "major" : "minor"}`);
    assert.deepEqual(
      row.slice(3).map((cell) => digits(cell.exactly)),
      [one.before, one.after, one.committed],
    );
  });
  nothingWrong(page);
});

test("requests are told where the program told of them", async () => {
  const page = await open(file);
  const fact = (name) => page.locator("dt", { hasText: name }).locator("+ dd");
  assert.equal(await fact("Requests").innerText(), "4,080, 1.1/s");
  assert.equal(await fact("Each allocates").innerText(), "24 blocks, 1.50 KiB");
  const silent = structuredClone(data);
  delete silent.processes[0].activity.requests;
  const other = await open(pageOf(silent, "silent"));
  assert.equal(await other.locator("dt", { hasText: "Requests" }).count(), 0);
  nothingWrong(page);
});

test("each process of the run can be chosen", async () => {
  const page = await open(file);
  await page.getByRole("button", { name: /gzip/ }).click();
  assert.equal(await page.locator("h1").innerText(), "sh");
  assert.match(await address(page), /process=4720/);
  const again = await open(file, { hash: "#process=4720" });
  assert.equal(await again.locator("h1").innerText(), "sh");
  await again.getByRole("button", { name: /shop --port/ }).click();
  assert.equal(await again.locator("h1").innerText(), "shop");
  assert.equal(await again.locator("article").count(), shop.findings.length);
  nothingWrong(again);
});
