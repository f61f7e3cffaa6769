// bench/gc/node/service.mjs -- a service that holds many objects.
// SPDX-License-Identifier: MIT
import { Random, checkpoint, mix, now, printFigures } from "./bench.mjs";

const TABLES = 64;
const TOKENS = 240;
const CELLS = 32;
const LOOKUPS = 16;
const RENEWALS = 4;
const WARM_REQUESTS = 20000;

// Twelve words in fields, as the C struct has them: an array would be an object of its own.
class Item {
  constructor(value) {
    this.before = null;
    this.name = null;
    this.w0 = value;
    this.w1 = (value + 1) | 0;
    this.w2 = (value + 2) | 0;
    this.w3 = (value + 3) | 0;
    this.w4 = (value + 4) | 0;
    this.w5 = (value + 5) | 0;
    this.w6 = (value + 6) | 0;
    this.w7 = (value + 7) | 0;
    this.w8 = (value + 8) | 0;
    this.w9 = (value + 9) | 0;
    this.w10 = (value + 10) | 0;
    this.w11 = (value + 11) | 0;
  }
}

const WORDS = Array.from({ length: 12 }, (_, i) => new Function("item", `return item.w${i}`));

class Entry {
  constructor(chain, item, key) {
    this.chain = chain;
    this.item = item;
    this.key = key;
    this.renewed = 0;
  }
}

class Token {
  constructor(next, value) {
    this.next = next;
    this.value = value;
  }
}

class Cell {
  constructor(value) {
    this.left = null;
    this.right = null;
    this.value = value;
  }
}

function tokensMake(random) {
  let list = null;
  for (let i = 0; i < TOKENS; i++) list = new Token(list, random.next() >>> 8);
  return list;
}

function cellsHang(top, cell) {
  for (let at = top; ; ) {
    const right = cell.value >= at.value;
    const below = right ? at.right : at.left;
    if (below === null) {
      if (right) at.right = cell;
      else at.left = cell;
      return;
    }
    at = below;
  }
}

function cellsMake(list) {
  const top = new Cell(list.value);
  for (let i = 1; i < CELLS; i++) {
    list = list.next;
    cellsHang(top, new Cell(list.value));
  }
  return top;
}

function cellsSum(cell, depth) {
  if (cell === null) return 0;
  const sum = Math.imul(cell.value, depth) + cellsSum(cell.left, depth + 1);
  return (sum + cellsSum(cell.right, depth + 1)) | 0;
}

class Service {
  constructor(objects) {
    this.entries = objects >> 1;
    let buckets = 1;
    while (buckets < Math.floor(this.entries / TABLES)) buckets *= 2;
    this.mask = buckets - 1;
    this.tables = [];
    for (let i = 0; i < TABLES; i++) this.tables.push(new Array(buckets).fill(null));
    for (let key = 0; key < this.entries; key++) this.insert(key, key);
  }

  table(key) {
    return this.tables[Math.imul(key, 0x9e3779b9) >>> 26];
  }

  bucket(key) {
    return (Math.imul(key, 0x9e3779b9) >>> 6) & this.mask;
  }

  insert(key, value) {
    const table = this.table(key);
    const bucket = this.bucket(key);
    table[bucket] = new Entry(table[bucket], new Item(value), key);
  }

  find(key) {
    let entry = this.table(key)[this.bucket(key)];
    while (entry.key !== key) entry = entry.chain;
    return entry;
  }

  remove(key) {
    const table = this.table(key);
    const bucket = this.bucket(key);
    let before = null;
    let entry = table[bucket];
    for (; entry.key !== key; entry = entry.chain) before = entry;
    if (before === null) table[bucket] = entry.chain;
    else before.chain = entry.chain;
  }

  renew(key, value) {
    if ((value & 1) === 0) {
      this.remove(key);
      this.insert(key, value);
      return;
    }
    const item = new Item(value);
    const entry = this.find(key);
    entry.item = item;
    entry.renewed++;
  }

  request(number) {
    const random = new Random(Math.imul(number, 0x9e3779b9) | 1);
    let list = tokensMake(random);
    let sum = cellsSum(cellsMake(list), 1);
    let tokenSum = 0;
    for (; list !== null; list = list.next) tokenSum = mix(tokenSum, list.value);
    sum = mix(sum, tokenSum);
    for (let i = 0; i < LOOKUPS; i++)
      sum = mix(sum, WORDS[i % 12](this.find(random.next() % this.entries).item));
    for (let i = 0; i < RENEWALS; i++) this.renew(random.next() % this.entries, (sum + i) | 0);
    return sum;
  }
}

export function run(objects, rate, seconds) {
  const service = new Service(objects);
  const latencies = new Float64Array(rate * seconds);
  let sum = 0;
  let served = 0;
  let spun = 0;
  checkpoint();
  for (let i = 0; i < WARM_REQUESTS; i++) sum = mix(sum, service.request(i + 1));
  const start = now();
  for (let i = 0; i < latencies.length; i++) {
    const due = start + (i * 1e9) / rate;
    const before = now();
    let at = before;
    while (at < due) at = now();
    spun += at - before;
    served = mix(served, service.request(i + 1));
    latencies[i] = now() - due;
  }
  checkpoint();
  console.log(`spun ns=${Math.round(spun)}`);
  printFigures("latency", latencies);
  return mix(sum, served);
}
