// bench/gc/node/trees.mjs -- binary trees.
// SPDX-License-Identifier: MIT
import { checkpoint, mix } from "./bench.mjs";

export const LEAST_DEPTH = 4;

class Node {
  constructor(left, right) {
    this.left = left;
    this.right = right;
  }
}

function build(depth) {
  if (depth === 0) return new Node(null, null);
  const left = build(depth - 1);
  return new Node(left, build(depth - 1));
}

function count(node) {
  return node.left === null ? 1 : 1 + count(node.left) + count(node.right);
}

function once(depth, look) {
  const tree = build(depth);
  if (look) checkpoint();
  return count(tree);
}

export function run(most) {
  let sum = once(most + 1, true);
  const live = build(most);
  for (let depth = LEAST_DEPTH; depth <= most; depth += 2)
    for (let left = 1 << (most - depth + LEAST_DEPTH); left > 0; left--)
      sum = mix(sum, once(depth, false));
  return mix(sum, count(live));
}
