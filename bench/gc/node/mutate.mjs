// bench/gc/node/mutate.mjs -- old objects that are written to all the time.
// SPDX-License-Identifier: MIT
import { Random, checkpoint, mix } from "./bench.mjs";

class Leaf {
  constructor(value) {
    this.value = value;
    this.more = 0;
  }
}

class Item {
  constructor(value) {
    this.other0 = this;
    this.other1 = this;
    this.own0 = null;
    this.own1 = null;
    this.value = value;
    this.changes = 0;
  }
}

function giveLeaf(item, at, which) {
  const before = which === 0 ? item.own0 : item.own1;
  const value = before === null ? 0 : before.value;
  const leaf = new Leaf((value + at) | 0);
  if (which === 0) item.own0 = leaf;
  else item.own1 = leaf;
  return value;
}

function change(table, random) {
  const at = random.next() % table.length;
  const to = random.next() % table.length;
  const choice = random.next() >>> 16;
  const which = (choice >> 2) & 1;
  const item = table[at];
  if (choice % 4 === 0) return giveLeaf(item, at, which);
  const before = which === 0 ? item.other0 : item.other1;
  if (which === 0) item.other0 = table[to];
  else item.other1 = table[to];
  item.changes++;
  return before.value + item.changes;
}

export function run(objects, steps) {
  const table = new Array(objects).fill(null);
  for (let i = 0; i < objects; i++) table[i] = new Item(i);
  const random = new Random(1);
  let sum = 0;
  for (let step = 0; step < steps; step++) sum = mix(sum, change(table, random));
  checkpoint();
  return table.length > 0 ? sum : 0;
}
