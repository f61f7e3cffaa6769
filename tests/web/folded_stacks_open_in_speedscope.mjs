// tests/web/folded_stacks_open_in_speedscope.mjs -- what `midden export --folded` writes, read by
// another's viewer, as it comes in its package: its sums are ours.
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

// Its table of functions: the bytes of all stacks that a function is on, by name.  A file reaches it
// as its own command passes one: as a script that is named behind the `#`.
async function read(file) {
  const bytes = fs.readFileSync(path.join(place, file)).toString("base64");
  const script = path.join(place, `${file}.js`);
  fs.writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(file)}, "${bytes}")`);
  const page = await blankPage();
  await page.goto(`${pathToFileURL(viewer)}#localProfilePath=${script}`);
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
