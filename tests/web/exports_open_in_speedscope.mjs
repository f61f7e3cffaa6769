// tests/web/exports_open_in_speedscope.mjs -- what `midden export --folded` and `--chrome` write, read
// by another's viewer, as it comes in its package: its sums, names and times are ours.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { blankPage, digits, midden, place } from "./lib.mjs";
import { sample } from "./sample.mjs";

const viewer = path.join(process.env.SOURCE, "web/node_modules/speedscope/dist/release/index.html");
const data = sample();
fs.writeFileSync(path.join(place, "shop.json"), JSON.stringify(data));

// A file reaches it as its own command passes one: as a script that is named behind the `#`.
async function opened(file) {
  const bytes = fs.readFileSync(path.join(place, file)).toString("base64");
  const script = path.join(place, `${file}.js`);
  fs.writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(file)}, "${bytes}")`);
  const page = await blankPage();
  await page.goto(`${pathToFileURL(viewer)}#localProfilePath=${script}`);
  return page;
}

// Its table of functions: the bytes of all stacks that a function is on, by name.
async function read(file) {
  const page = await opened(file);
  await page.getByText("Sandwich").click();
  await page.getByText("Symbol Name").waitFor();
  const rows = await page
    .locator("tr", { has: page.locator("td") })
    .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
  return new Map(rows.map(([total, , name]) => [name, digits(total.split(" ")[0])]));
}

// The same by our own data.
function sums(figure) {
  const found = new Map();
  for (const p of data.processes)
    for (const site of p.sites) {
      const on = new Set(site.stack.map((at) => p.strings[p.frames[at][0]]));
      for (const name of on) found.set(name, (found.get(name) ?? 0) + site[figure]);
    }
  return new Map([...found].filter(([, bytes]) => bytes > 0));
}

for (const [words, figure] of [
  [[], "live_bytes"],
  [["--allocated"], "allocated_bytes"],
])
  test(`the totals of functions are those of the run, of ${figure}`, async () => {
    midden("export", "--folded", `${figure}.folded`, ...words, "shop.json");
    const found = await read(`${figure}.folded`);
    const wanted = sums(figure);
    assert.ok(wanted.size > 10);
    for (const [name, bytes] of wanted) assert.equal(found.get(name), bytes, name);
    assert.equal(found.size, wanted.size + 1, "the functions, and the program as the root");
  });

// What it made of the rows that last, as it gives it out itself: for each, names with begin and end.
async function rowsRead(file) {
  const page = await opened(file);
  const download = page.waitForEvent("download");
  await page.getByText("Export").click();
  const { shared, profiles } = JSON.parse(fs.readFileSync(await (await download).path(), "utf8"));
  return profiles.map((profile) => {
    assert.equal(profile.unit, "microseconds");
    const open = [];
    const slices = [];
    for (const { type, frame, at } of profile.events)
      if (type === "O") open.push([shared.frames[frame].name, at]);
      else slices.push([...open.pop(), at]);
    assert.deepEqual(open, []);
    return { name: profile.name, slices };
  });
}

// The same by our own data: a life, and the pauses of collections, as many rows as do not overlap.
function rowsWanted(run) {
  const rows = [];
  for (const p of run.processes) {
    const { pid, command, wall_seconds } = p.process;
    const at = (seconds) => Math.round((p.began + seconds) * 1e6);
    rows.push({ of: command, pid, slices: [[command, at(0), at(wall_seconds)]] });
    const pauses = [];
    for (const c of p.collections?.last ?? []) {
      const from = p.collections.opened_seconds + c.at_seconds;
      const { number, before, after, committed } = c;
      const name = `${c.major ? "major" : "minor"} collection ${JSON.stringify({ number, before, after, committed })}`;
      const slice = [name, at(from), at(from + c.pause_seconds)];
      const row = pauses.find((one) => one.at(-1)[2] <= slice[1]);
      if (row) row.push(slice);
      else pauses.push([slice]);
    }
    for (const slices of pauses) rows.push({ of: "collections", pid, slices });
  }
  return rows;
}

test("lives and collections are rows, as long as they were", async () => {
  const run = sample();
  run.processes.forEach((p, i) => (p.began = 0.125 * i));
  const last = run.processes[0].collections.last;
  last[5].at_seconds = last[4].at_seconds + last[4].pause_seconds / 2; // of another heap, that waits
  fs.writeFileSync(path.join(place, "rows.json"), JSON.stringify(run));
  midden("export", "--chrome", "rows.trace", "rows.json");
  const found = await rowsRead("rows.trace");
  const wanted = rowsWanted(run);
  assert.equal(wanted.filter((row) => row.of === "collections").length, 2);
  assert.equal(found.length, wanted.length);
  for (const row of wanted) {
    const same = found.filter(
      (one) => one.name.includes(`(pid ${row.pid})`) && one.slices[0][0] === row.slices[0][0],
    );
    assert.equal(same.length, 1, row.of);
    if (row.of === "collections") assert.match(same[0].name, /, collections \(tid [0-9]+\)$/);
    const zero = row.slices[0][1]; // the viewer's rows begin at 0, each
    assert.deepEqual(
      same[0].slices,
      row.slices.map(([name, from, to]) => [name, from - zero, to - zero]),
    );
  }
});
