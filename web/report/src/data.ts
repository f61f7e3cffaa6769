// web/report/src/data.ts -- what the command wrote into the page; docs/report.md explains each key.
// SPDX-License-Identifier: MIT

// What is not known is null.
export interface Frame {
  function: string;
  file: string | null;
  line: number | null;
  module: string | null;
  inlined: boolean;
}

export type Confidence = "certain" | "likely" | "possible";

export interface Finding {
  kind: string;
  confidence: Confidence;
  function: string | null; // of the place to blame; null: the process as a whole
  file: string | null;
  line: number | null;
  stack: Frame[];
  bytes: number;
  blocks: number;
  what: string;
  why: string;
  advice: string;
  held_by: string[]; // from a global, a stack or the like to the blocks; empty: not known
  retained: number | null; // bytes that would be free if the blocks went; null: not known
  site: number | null; // its place in `sites`
}

export interface Crash {
  signal: number | null;
  sentence: string;
  function: string | null;
  file: string | null;
  line: number | null;
  stack: Frame[];
}

export interface Site {
  stack: number[]; // places in `frames`, the innermost first
  cut: boolean; // outer frames are missing
  place: number; // in `stack`, of the frame to blame
  live_bytes: number;
  live_error: number; // standard error of live_bytes
  live_blocks: number;
  allocated_bytes: number;
  allocated_blocks: number;
  remote_blocks: number;
  peak_bytes: number;
  at_peak_bytes: number | null; // when the process held most; null: not known
  samples: number;
  lives: number[]; // blocks freed, by how long they lived: bucket i under 4^i microseconds
}

export interface History {
  seconds: number[];
  resident: (number | null)[];
  live: (number | null)[];
  lines: { site: number; bytes: (number | null)[] }[]; // of all sites with the place of one
}

export interface SizeClass {
  block_bytes: number;
  span_bytes: number;
  spans: number;
  allocated: number;
  freed: number;
  live: number;
  live_bytes: number;
  internal_waste: number;
  free_blocks: number;
}

export interface Collection {
  number: number;
  major: boolean;
  at_seconds: number; // since the first collected heap was opened
  pause_seconds: number;
  before: number;
  after: number;
  committed: number;
}

export interface Collections {
  heaps: number;
  used: number;
  live: number;
  live_objects: number;
  committed: number;
  peak_committed: number;
  minor: number;
  major: number;
  stopped_seconds: number;
  cpu_seconds: number;
  pause_p50: number;
  pause_p99: number;
  pause_longest: number;
  pauses: { from_seconds: number; to_seconds: number; times: number }[];
  utilisation: { window_seconds: number; least: number; p1: number; p50: number }[];
  last: Collection[];
}

export interface Process {
  process: {
    pid: number;
    command: string;
    lives: boolean;
    exit: number | null;
    signal: number | null;
    wall_seconds: number;
    cpu_seconds: number;
    peak_rss: number;
    final_rss: number;
    live_bytes: number;
    live_blocks: number;
    peak_live_bytes: number;
    on_midden: boolean;
    final: boolean;
    unseen_seconds: number;
  };
  memory: Record<string, number> & { spans_estimated: boolean };
  activity: Record<string, number | null>;
  threads: { peak: number; heaps_open: number; heaps_peak: number; heaps_started: number };
  large: {
    allocated: number;
    allocated_bytes: number;
    live: number;
    live_bytes: number;
    asked_bytes: number;
  };
  classes: SizeClass[];
  collections?: Collections | null; // runs that were kept may be of a midden without them
  notes: string[];
  findings: Finding[];
  crash: Crash | null;
  strings: string[];
  frames: [number, number, number, number, number][]; // function, file, line, module, inlined
  sites: Site[];
  sampling: { mean: number; taken: number; lost: number; seconds: number } | null;
  history: History | null;
  spans: { block_bytes: number; live_blocks: number[] }[] | null; // of each span, where known
}

export interface Report {
  format: "midden-report";
  version: number;
  midden: string;
  made: string;
  processes: Process[];
}

async function unpack(words: string): Promise<string> {
  const packed = Uint8Array.from(atob(words), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// The element holds JSON or, where that is long, the base64 of its gzip.
export async function readReport(): Promise<Report> {
  const words = document.getElementById("midden-data")?.textContent?.trim() ?? "";
  const report = JSON.parse(words.startsWith("{") ? words : await unpack(words)) as Report;
  if (report.format !== "midden-report" || report.version !== 1)
    throw new Error("the data in this page are none that it can read");
  return report;
}

export function frameOf(process: Process, at: number): Frame {
  const [name, file, line, module, inlined] = process.frames[at] ?? [0, 0, 0, 0, 0];
  const word = (i: number) => process.strings[i] || null;
  return {
    function: word(name) ?? "unknown",
    file: word(file),
    line: line > 0 ? line : null,
    module: word(module),
    inlined: inlined !== 0,
  };
}

// The frame to blame for what a site does.
export function placeOf(process: Process, site: Site): Frame {
  return frameOf(process, site.stack[site.place] ?? site.stack[0] ?? -1);
}
