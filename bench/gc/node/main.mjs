// bench/gc/node/main.mjs -- the workloads in JavaScript: node main.mjs WORKLOAD NUMBERS...
//
// Each file beside this one is the C file of the same name in JavaScript; the lines that are printed
// are the same, and so are the checksums.  The heap's limit is --max-old-space-size, its pauses are
// what --trace-gc prints.  Arrays of numbers are Array, not Int32Array, whose memory lies outside
// of the collected heap.  There is no threads.mjs: its threads share no objects.
// SPDX-License-Identifier: MIT
import { mostLive } from "./bench.mjs";

const [, , workload, ...numbers] = process.argv;
const { run } = await import(`./${workload}.mjs`);
const sum = run(...numbers.map(Number));
console.log(`checksum value=${sum >>> 0}`);
if (mostLive > 0) console.log(`live bytes=${mostLive}`);
