// bench/gc/node/gcbench.mjs -- GCBench.
// SPDX-License-Identifier: MIT
import { checkpoint, mix } from "./bench.mjs";
import { LEAST_DEPTH } from "./trees.mjs";

class Cell {
  constructor(left, right) {
    this.left = left;
    this.right = right;
    this.i = 0;
    this.j = 0;
  }
}

function populate(cell, depth) {
  if (depth === 0) return;
  cell.left = new Cell(null, null);
  cell.right = new Cell(null, null);
  populate(cell.left, depth - 1);
  populate(cell.right, depth - 1);
}

function make(depth) {
  if (depth === 0) return new Cell(null, null);
  const left = make(depth - 1);
  return new Cell(left, make(depth - 1));
}

function count(cell) {
  return cell === null ? 0 : 1 + count(cell.left) + count(cell.right);
}

function once(depth, down, look) {
  const tree = down ? new Cell(null, null) : make(depth);
  if (down) populate(tree, depth);
  if (look) checkpoint();
  let nodes = 0;
  for (let at = tree; at !== null; at = at.left) nodes++;
  return nodes;
}

function allOf(depth, stretch) {
  let sum = 0;
  for (let left = 1 << (stretch + 1 - depth); left > 0; left--) {
    sum = mix(sum, once(depth, true, false));
    sum = mix(sum, once(depth, false, false));
  }
  return sum;
}

export function run(most) {
  const stretch = most + 2;
  let sum = once(stretch, false, true);
  const live = new Cell(null, null);
  populate(live, most);
  const array = new Array(8 << most).fill(0);
  for (let i = 0; i < array.length / 2; i++) array[i] = 7 * i;
  for (let depth = LEAST_DEPTH; depth <= most; depth += 2) sum = mix(sum, allOf(depth, stretch));
  sum = mix(sum, count(live));
  return mix(sum, array[1000]);
}
