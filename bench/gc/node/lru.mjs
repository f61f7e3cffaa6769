// bench/gc/node/lru.mjs -- a cache with replacement of what was used least recently.
// SPDX-License-Identifier: MIT
import { Random, checkpoint, mix } from "./bench.mjs";

class Entry {
  constructor(chain, key, value) {
    this.chain = chain;
    this.newer = null;
    this.older = null;
    this.value = value;
    this.key = key;
  }
}

class Cache {
  constructor(most) {
    let length = 1;
    while (length < most) length *= 2;
    this.buckets = new Array(length).fill(null);
    this.most = most;
    this.held = 0;
    this.newest = null;
    this.oldest = null;
  }

  bucket(key) {
    return (Math.imul(key, 0x9e3779b9) >>> 7) & (this.buckets.length - 1);
  }

  unlink(entry) {
    if (entry.newer === null) this.newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === null) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
  }

  push(entry) {
    entry.newer = null;
    entry.older = this.newest;
    if (this.newest === null) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  find(key) {
    let entry = this.buckets[this.bucket(key)];
    while (entry !== null && entry.key !== key) entry = entry.chain;
    return entry;
  }

  evict() {
    const last = this.oldest;
    const bucket = this.bucket(last.key);
    let before = null;
    for (let at = this.buckets[bucket]; at !== last; at = at.chain) before = at;
    if (before === null) this.buckets[bucket] = last.chain;
    else before.chain = last.chain;
    this.unlink(last);
  }

  insert(key) {
    const words = 8 + (key % 32);
    const value = new Array(words);
    for (let i = 0; i < words; i++) value[i] = key + i;
    const bucket = this.bucket(key);
    const entry = new Entry(this.buckets[bucket], key, value);
    this.buckets[bucket] = entry;
    this.push(entry);
  }

  step(key) {
    const entry = this.find(key);
    if (entry !== null) {
      this.unlink(entry);
      this.push(entry);
      return entry.value[entry.value.length - 1];
    }
    if (this.held === this.most) this.evict();
    else this.held++;
    this.insert(key);
    return 1;
  }

  nextKey(random) {
    const keys = 2 * this.most;
    return (random.next() & 1) !== 0 ? random.next() % keys : random.next() % (keys / 8);
  }
}

export function run(most, steps) {
  const cache = new Cache(most);
  const random = new Random(1);
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    sum = mix(sum, cache.step(cache.nextKey(random)));
    if (step === steps >> 1) checkpoint();
  }
  checkpoint();
  return cache.held > 0 ? sum : 0;
}
