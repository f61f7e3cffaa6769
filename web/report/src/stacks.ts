// web/report/src/stacks.ts -- the stacks of a process joined into one tree, for the flame graph.
// SPDX-License-Identifier: MIT
import { type Process, type Site, frameOf } from "./data";

export type Measure = "live" | "peak" | "allocated";

export function measureOf(site: Site, measure: Measure): number {
  if (measure === "live") return site.live_bytes;
  return measure === "peak" ? (site.at_peak_bytes ?? 0) : site.allocated_bytes;
}

export interface StackNode {
  key: string; // of its function, the same in every tree of this process
  frame: number; // place of one of its frames; -1: the root
  bytes: number;
  depth: number; // of the root: 0
  parent: StackNode | null;
  children: StackNode[]; // the largest first
}

// A function is one node under its caller, whichever of its lines calls on.
export function functionKeys(process: Process): string[] {
  return process.frames.map(([name, , , module]) => `${name}.${module}`);
}

interface Growing extends StackNode {
  child: Map<string, Growing>;
}

function grow(parent: Growing | null, key: string, frame: number): Growing {
  const depth = parent === null ? 0 : parent.depth + 1;
  return { key, frame, bytes: 0, depth, parent, children: [], child: new Map() };
}

function settle(node: Growing): void {
  node.children = [...node.child.values()].sort((a, b) => b.bytes - a.bytes);
  for (const child of node.child.values()) settle(child);
}

// callers  the innermost function first, under it who called it
export function joinStacks(process: Process, measure: Measure, callers: boolean): StackNode {
  const keys = functionKeys(process);
  const root = grow(null, "", -1);
  for (const site of process.sites) {
    const bytes = measureOf(site, measure);
    if (bytes <= 0) continue;
    let node = root;
    node.bytes += bytes;
    for (const frame of callers ? site.stack : site.stack.toReversed()) {
      const key = keys[frame] ?? "";
      let next = node.child.get(key);
      if (next === undefined) node.child.set(key, (next = grow(node, key, frame)));
      node = next;
      node.bytes += bytes;
    }
  }
  settle(root);
  return root;
}

export function ownBytes(node: StackNode): number {
  return node.children.reduce((rest, child) => rest - child.bytes, node.bytes);
}

export function pathOf(node: StackNode): string {
  const keys: string[] = [];
  for (let at: StackNode | null = node; at?.parent; at = at.parent) keys.unshift(at.key);
  return keys.join("_");
}

export function findPath(root: StackNode, path: string): StackNode {
  let node = root;
  for (const key of path === "" ? [] : path.split("_")) {
    const next = node.children.find((child) => child.key === key);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

// Words that stand in a function's name, its file or its module, in any case.
export function matcher(process: Process, words: string): (frame: number) => boolean {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return () => false;
  const known = new Map<number, boolean>();
  return (at) => {
    let hit = known.get(at);
    if (hit === undefined) {
      const frame = frameOf(process, at);
      hit = [frame.function, frame.file, frame.module].some((s) =>
        s?.toLowerCase().includes(wanted),
      );
      known.set(at, hit);
    }
    return hit;
  };
}

export interface FunctionSum {
  frame: number;
  own: number; // where it is the innermost frame
  total: number; // where it is in the stack at all
}

export function sumFunctions(process: Process, measure: Measure): FunctionSum[] {
  const keys = functionKeys(process);
  const sums = new Map<string, FunctionSum>();
  for (const site of process.sites) {
    const bytes = measureOf(site, measure);
    const seen = new Set<string>();
    site.stack.forEach((frame, i) => {
      const key = keys[frame] ?? "";
      let sum = sums.get(key);
      if (sum === undefined) sums.set(key, (sum = { frame, own: 0, total: 0 }));
      if (i === 0) sum.own += bytes;
      if (!seen.has(key)) sum.total += bytes;
      seen.add(key);
    });
  }
  return [...sums.values()].filter((s) => s.total > 0).sort((a, b) => b.total - a.total);
}
