// tests/web/strange_and_large_data_are_shown.mjs -- names that would break out of a script, ten
// thousand sites, nothing at all.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";
import { nothingWrong, open, pageOf } from "./lib.mjs";
import { Frames, quiet, sample, site } from "./sample.mjs";

const hostile = [
  `</script><script>document.title = "broken"; alert(1)</script>`,
  `"quoted" 'names' \\ and \\u003c <img src=x onerror=alert(2)>`,
  "<!-- <script> operator<<=<T&&>(]]>",
  "naïve::Größe<名前>\u2028\u202e",
];

function with_sites(f, sites) {
  const data = sample();
  Object.assign(data.processes[0], {
    strings: f.strings,
    frames: f.frames,
    sites,
    findings: [],
    history: null,
  });
  data.processes[0].process.command = `/bin/x ${hostile[0]}`;
  return data;
}

test("a function's name is words, whatever is in it", async () => {
  const f = new Frames();
  const data = with_sites(
    f,
    hostile.map((name, i) => site([f.frame(name, `${name}.c`, i + 1)], 0, 1000 + i, 5000)),
  );
  const page = await open(pageOf(data));
  const labels = await page.locator(".frame").evaluateAll((all) => all.map((e) => e.ariaLabel));
  for (const name of hostile)
    assert.ok(
      labels.some((label) => label.startsWith(`${name}, `)),
      name,
    );
  await page.getByRole("button", { name: "Functions" }).click();
  const shown = await page.locator("#sites tbody code").allTextContents();
  assert.deepEqual(shown.sort(), [...hostile].sort());
  assert.ok((await page.locator(".command").innerText()).includes("</script>"));
  assert.equal(await page.title(), "x: Midden report");
  assert.equal(await page.locator("img").count(), 0);
  nothingWrong(page);
});

test("what stands in angle brackets is left out of the boxes alone", async () => {
  const f = new Frames();
  const names = {
    "std::map<int, std::pair<A, B> >::emplace<C>": "std::map<…>::emplace<…>",
    "operator<< <char>(X)": "operator<< <…>(X)",
    "a::operator->": "a::operator->",
    "std::__cxx11::list<x>::y": "std::list<…>::y",
    "cut<short": "cut<short",
  };
  const data = with_sites(f, [
    site(
      Object.keys(names).map((name) => f.frame(name)),
      0,
      1000,
      1000,
    ),
  ]);
  const page = await open(pageOf(data));
  const shown = await page.locator(".frame span").allTextContents();
  assert.deepEqual(shown.sort(), ["all", ...Object.values(names)].sort());
});

test("ten thousand sites of thirty frames stay under 5 MB and can be searched", async () => {
  const f = new Frames();
  // f.frame looks for an equal one each time: too slow for so many.
  for (let i = 0; i < 6000; i++)
    f.frames.push([
      f.strings.push(`ns${i % 40}::Class${i % 700}<int, char>::method_${i}(int)`) - 1,
      0,
      i,
      0,
      0,
    ]);
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const sites = Array.from({ length: 10000 }, () => {
    const stack = Array.from({ length: 30 }, (_, depth) => random(4 + 200 * (30 - depth)));
    return site(stack, 0, 1 + random(1 << 20), 1 + random(1 << 24));
  });
  const file = pageOf(with_sites(f, sites), "large");
  const bytes = fs.statSync(file).size;
  assert.ok(bytes < 5e6, `${bytes} bytes`);
  const page = await open(file, { hash: "#view=sites" });
  assert.equal(await page.locator("#sites tbody tr").count(), 40);
  await page.getByRole("button", { name: "Show all 10,000 rows" }).click();
  assert.equal(await page.locator("#sites tbody tr").count(), 10000);
  await page.getByRole("button", { name: "Flame graph" }).click();
  await page.getByRole("searchbox").fill("method_5999");
  const boxes = await page.locator(".frame").count();
  assert.ok(boxes > 100 && boxes < 20000, `${boxes} boxes`);
  nothingWrong(page);
});

test("what a process died of stands before its findings", async () => {
  const data = sample();
  const [finding] = data.processes[0].findings;
  const { function: name, file, line, stack } = finding;
  const sentence = "it wrote 8 bytes past the end of a block of 96";
  data.processes[0].crash = {
    signal: 11,
    thread: 4711,
    sentence,
    function: name,
    file,
    line,
    stack,
  };
  data.processes[0].crash.stack = [...Array(200).fill(stack[0]), ...stack.slice(1)];
  const page = await open(pageOf(data));
  const headings = await page.locator("h2").allInnerTexts();
  assert.deepEqual(headings.slice(0, 2), ["It died of signal 11", "4 findings"]);
  const card = page.locator("section", { hasText: "It died" });
  assert.match(await card.innerText(), /It wrote 8 bytes past the end of a block of 96\./);
  assert.equal(await card.locator("li").count(), stack.length);
  assert.match(await card.locator("li").first().innerText(), /200 times$/);
  nothingWrong(page);
});

test("a process of which nothing is known has a page", async () => {
  const page = await open(pageOf({ ...sample(), processes: [quiet(7, "true")] }));
  assert.equal(await page.locator("h1").innerText(), "true");
  assert.match(await page.locator("main").innerText(), /No findings/);
  assert.equal(await page.locator(".flame").count(), 0);
  nothingWrong(page);
});

test("data that are none say so", async () => {
  const page = await open(pageOf({ ...sample(), processes: [{}] }));
  assert.match(await page.getByRole("alert").innerText(), /^This report cannot be shown: /);
});
