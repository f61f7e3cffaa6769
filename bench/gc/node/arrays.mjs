// bench/gc/node/arrays.mjs -- large arrays.
// SPDX-License-Identifier: MIT
import { Random, checkpoint, mix } from "./bench.mjs";

const LEAST_WORDS = 16 << 10;
const DOUBLINGS = 5;
const PAGE_WORDS = 1024;
const ITEM_EVERY = 512;

function wordsFill(words, value) {
  let sum = 0;
  for (let i = 0; i < words.length; i += PAGE_WORDS) words[i] = value + i;
  for (let i = 0; i < words.length; i += PAGE_WORDS) sum += words[i];
  return sum;
}

function itemsFill(items, value) {
  let sum = 0;
  for (let i = 0; i < items.length; i += ITEM_EVERY) items[i] = { value: value + i, more: 0 };
  for (let i = 0; i < items.length; i += ITEM_EVERY) sum += items[i].value;
  return sum;
}

function make(holder, random) {
  let words = LEAST_WORDS << (random.next() % DOUBLINGS);
  words += random.next() % words;
  if (random.next() % 4 === 0) {
    holder.items = new Array(words >> 1).fill(null);
    return itemsFill(holder.items, words);
  }
  holder.words = new Array(words).fill(0);
  return wordsFill(holder.words, words);
}

export function run(live, steps) {
  const ring = new Array(live).fill(null);
  const random = new Random(1);
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    const holder = { words: null, items: null };
    sum = mix(sum, make(holder, random));
    ring[step % live] = holder;
    if (step % live === live - 1) checkpoint();
  }
  return sum;
}
