// bench/gc/node/bench.mjs -- what the workloads in JavaScript share.
// SPDX-License-Identifier: MIT
import process from "node:process";

export let mostLive = 0;

// xorshift32 (Marsaglia 2003).
export class Random {
  constructor(seed) {
    this.x = seed >>> 0;
  }

  next() {
    let x = this.x;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.x = x >>> 0);
  }
}

export function mix(sum, value) {
  return (Math.imul(sum, 31) + value) | 0;
}

export function now() {
  return performance.now() * 1e6;
}

// Whoever calls has the live objects in use after the call.
export function checkpoint() {
  if (process.env.BENCH_PROBE === undefined) return;
  globalThis.gc();
  mostLive = Math.max(mostLive, process.memoryUsage().heapUsed);
}

export function printFigures(name, ns) {
  ns.sort();
  const rank = (thousandths) => Math.round(ns[Math.ceil((ns.length * thousandths) / 1000) - 1] ?? 0);
  console.log(
    `${name} count=${ns.length} p50_ns=${rank(500)} p99_ns=${rank(990)} p999_ns=${rank(999)} ` +
      `max_ns=${rank(1000)}`,
  );
}
