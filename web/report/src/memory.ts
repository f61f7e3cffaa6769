// web/report/src/memory.ts -- where the resident memory is, sizes, lifetimes, the spans, the rest.
// SPDX-License-Identifier: MIT
import type { Process, SizeClass } from "./data";
import { h, newId, section, svg, tableBox } from "./dom";
import { type Column, sortedTable } from "./tables";
import { count, duration, exact, exactSize, mean, plural, share, short, size } from "./words";

// ---- bars: a table whose last column is drawn, so that it is its own twin

export interface Bar {
  name: string;
  value: number;
  words: string;
  exactly: string;
  part?: string; // a class for its colour
}

export function barTable(label: string, heads: [string, string], bars: Bar[]): HTMLElement {
  const most = Math.max(...bars.map((bar) => bar.value), 1);
  const row = (bar: Bar) => {
    const fill = h("span", { class: `bar ${bar.part ?? ""}` });
    fill.style.width = `${(100 * Math.max(0, bar.value)) / most}%`;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, bar.name),
      h("td", { class: "number", title: bar.exactly }, bar.words),
      h("td", { class: "drawn", "aria-hidden": "true" }, bar.value > 0 && fill),
    );
  };
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, heads[0]),
    h("th", { scope: "col", class: "number" }, heads[1]),
    h("td"),
  );
  return h(
    "table",
    { class: "bars", "aria-label": label },
    h("thead", {}, head),
    h("tbody", {}, ...bars.map(row)),
  );
}

// ---- where the resident memory is

export function whereSection(process: Process): HTMLElement | null {
  const m = process.memory;
  if (!process.process.on_midden || !m["resident"]) return null;
  const collected = m["collected"] ?? 0;
  const used = Math.min(process.collections?.used ?? 0, collected);
  const parts: [number, string, string][] = [
    [(m["live_asked"] ?? 0) - collected, "Live blocks, as the program asked", "live"],
    [m["internal_waste"] ?? 0, "Internal waste in them", "waste"],
    [used, "Collected heaps: objects in use", "collected"],
    [collected - used, "Collected heaps: room for more", "spare"],
    [m["free_blocks"] ?? 0, "Free blocks in partly used spans", "free"],
    [m["uncarved"] ?? 0, "Room in such spans, no block made yet", "room"],
    [m["dirty"] ?? 0, "Cached spans, not given back yet", "dirty"],
    [m["metadata"] ?? 0, "Midden's own tables", "own"],
    [m["outside"] ?? 0, "Outside the heap: code, stacks, files", "outside"],
  ];
  const rows = parts.filter(([bytes]) => bytes > 0);
  const whole = rows.reduce((sum, [bytes]) => sum + bytes, 0);
  const strip = h("div", { class: "strip", "aria-hidden": "true" });
  for (const [bytes, , part] of rows) {
    const piece = h("span", { class: part });
    piece.style.flexGrow = String(bytes / whole);
    strip.append(piece);
  }
  const line = (swatch: string, words: string, bytes: number, of: string) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("span", { class: `swatch ${swatch}` }), words),
      h("td", { class: "number", title: exactSize(bytes) }, size(bytes)),
      h("td", { class: "number" }, of),
    );
  const resident = m["resident"];
  const untouched = m["untouched"] ?? 0;
  const body = rows.map(([bytes, words, part]) => line(part, words, bytes, share(bytes, resident)));
  if (untouched > 0) body.push(line("none", "Less what of these is not resident", -untouched, ""));
  const sum = line("none", "Resident", resident, "100 %");
  sum.className = "sum";
  const table = h("table", { class: "where-table" }, h("tbody", {}, ...body, sum));
  const when = process.process.final ? "at the end" : "when last seen";
  const note = (m["internal_waste"] ?? 0) > 0 || m.spans_estimated;
  return section(
    `Where the ${size(resident)} resident ${when} are`,
    note ? "What was asked for is known from samples, so the first two are estimates." : "",
    strip,
    tableBox(table, "Where the resident memory is"),
  );
}

// ---- histograms

type Held = { blocks: number; bytes: number };

// Size classes are finer than what is of interest: each bar is of those up to a power of two.
function sizeBars(process: Process, of: (k: SizeClass) => Held, large: Held): Bar[] {
  const bins = new Map<number, Held>();
  for (const k of process.classes) {
    const bin = Math.ceil(Math.log2(Math.max(k.block_bytes, 1)));
    const sum = bins.get(bin) ?? { blocks: 0, bytes: 0 };
    const more = of(k);
    bins.set(bin, { blocks: sum.blocks + more.blocks, bytes: sum.bytes + more.bytes });
  }
  const bar = (name: string, held: Held): Bar => ({
    name,
    value: held.bytes,
    words: `${size(held.bytes)} in ${count(held.blocks)}`,
    exactly: `${exactSize(held.bytes)} in ${plural(held.blocks, "block")}`,
  });
  const bars = [...bins].sort((x, y) => x[0] - y[0]);
  return [
    ...bars.map(([bin, held]) => bar(`to ${short(size(2 ** bin))}`, held)),
    ...(process.large.allocated > 0 ? [bar("large", large)] : []),
  ];
}

function lifeBars(process: Process): Bar[] {
  const freed: number[] = [];
  for (const site of process.sites) site.lives.forEach((n, i) => (freed[i] = (freed[i] ?? 0) + n));
  while (freed.length > 0 && !freed[freed.length - 1]) freed.pop();
  const living = process.sites.reduce((sum, site) => sum + site.live_blocks, 0);
  if (freed.length === 0 && living === 0) return [];
  const first = Math.max(
    0,
    freed.findIndex((n) => n > 0),
  );
  const bars: Bar[] = freed.slice(first).map((n, i) => ({
    name: i + first === 15 ? "longer" : `under ${short(duration(4 ** (i + first) / 1e6))}`,
    value: n,
    words: count(n),
    exactly: plural(n, "block"),
  }));
  bars.push({
    name: "live still",
    value: living,
    words: count(living),
    exactly: plural(living, "block"),
    part: "living",
  });
  return bars;
}

export function histogramSection(process: Process): HTMLElement | null {
  if (!process.process.on_midden) return null;
  const large = process.large;
  const live = sizeBars(process, (k) => ({ blocks: k.live, bytes: k.live_bytes }), {
    blocks: large.live,
    bytes: large.live_bytes,
  });
  const all = sizeBars(
    process,
    (k) => ({ blocks: k.allocated, bytes: k.allocated * k.block_bytes }),
    { blocks: large.allocated, bytes: large.allocated_bytes },
  );
  const lives = lifeBars(process);
  const part = (title: string, lead: string, heads: [string, string], bars: Bar[]) =>
    h("div", {}, h("h3", {}, title), h("p", { class: "lead" }, lead), barTable(title, heads, bars));
  return section(
    "Sizes and lifetimes",
    "",
    h(
      "div",
      { class: "columns" },
      part("Live, by size of block", "Usable sizes, counted.", ["Block", "Live"], live),
      part("Allocated, by size of block", "From the start, counted.", ["Block", "Allocated"], all),
      lives.length > 0 &&
        part("Lifetimes", "Estimated from samples, in steps of four.", ["Freed", "Blocks"], lives),
    ),
  );
}

// ---- the spans

interface SpanRow {
  block: number;
  span: number;
  spans: number;
  live: number; // blocks
  free: number;
  exact: number[] | null; // live blocks of each span, where the heap was walked
}

function spanRows(process: Process): SpanRow[] {
  return process.classes
    .filter((k) => k.spans > 0)
    .map((k) => ({
      block: k.block_bytes,
      span: k.span_bytes,
      spans: k.spans,
      live: k.live,
      free: k.free_blocks,
      exact: process.spans?.find((s) => s.block_bytes === k.block_bytes)?.live_blocks ?? null,
    }));
}

const CELLS = 64; // in a row at most

// Each cell is a span, or some that are neighbours by occupancy; the fuller, the more it is filled.
function occupancy(row: SpanRow): SVGElement {
  const capacity = Math.max(1, Math.floor(row.span / row.block));
  const shares = row.exact
    ? [...row.exact].sort((a, b) => b - a).map((live) => live / capacity)
    : Array.from({ length: row.spans }, () => row.live / (row.spans * capacity));
  const per = Math.max(1, shares.length / CELLS);
  const drawing = svg("svg", {
    class: "cells",
    viewBox: `0 0 ${CELLS * 10} 14`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  for (let i = 0; i * per < shares.length - 1e-9; i++) {
    const some = shares.slice(
      Math.floor(i * per),
      Math.max(Math.floor((i + 1) * per), Math.floor(i * per) + 1),
    );
    const full = Math.min(1, some.reduce((a, b) => a + b, 0) / some.length);
    const high = full > 0 ? Math.max(1, 14 * full) : 0;
    drawing.append(
      svg("rect", { class: "cell", x: i * 10, y: 0, width: 8.5, height: 14, rx: 1.5 }),
    );
    drawing.append(
      svg("rect", { class: "fill", x: i * 10, y: 14 - high, width: 8.5, height: high, rx: 1.5 }),
    );
  }
  return drawing;
}

const held = (row: SpanRow) => row.spans * row.span;
const live = (row: SpanRow) => row.live * row.block;

export function spansSection(process: Process): HTMLElement | null {
  const rows = spanRows(process);
  if (rows.length === 0) return null;
  const columns: Column<SpanRow>[] = [
    {
      title: "Block",
      number: true,
      value: (r) => r.block,
      show: (r) => short(size(r.block)),
      exactly: (r) => exactSize(r.block),
    },
    {
      title: "How full",
      number: true,
      drawn: true,
      value: (r) => live(r) / held(r),
      show: occupancy,
    },
    {
      title: "Live",
      number: true,
      value: (r) => live(r) / held(r),
      show: (r) => share(live(r), held(r)),
      exactly: (r) => exactSize(live(r)),
    },
    {
      title: "Not live",
      number: true,
      value: (r) => held(r) - live(r),
      show: (r) => size(held(r) - live(r)),
      exactly: (r) => exactSize(held(r) - live(r)),
    },
    {
      title: "Spans",
      number: true,
      value: held,
      show: (r) => `${exact(r.spans)} × ${short(size(r.span))}`,
      exactly: (r) => exactSize(held(r)),
    },
  ];
  const walked = rows.some((row) => row.exact !== null);
  const part = section(
    "Map of the spans",
    walked
      ? "A cell is a span or, where a size class has more than 64, the mean of some; the fullest " +
          "come first. What is not filled is not live: that is what fragmentation costs."
      : "A cell is a span or, where a size class has more than 64, some, filled as far as " +
          "its blocks are live: the mean of its class, since the heap was not walked.",
    sortedTable("Spans by size class", columns, rows, 3, 14),
  );
  part.classList.add("span-map");
  return part;
}

// ---- the rest of the figures

export function figuresSection(process: Process): HTMLElement {
  const p = process.process;
  const m = process.memory;
  const a = process.activity;
  const bytes = (key: string) => size(m[key] ?? 0);
  const requests: [string, string, string][] = a["requests"]
    ? [
        ["Heap", "Requests", `${count(a["requests"])}, ${mean(a["requests_per_second"] ?? 0)}/s`],
        [
          "Heap",
          "Each allocates",
          a["blocks_per_request"] == null
            ? "not known of one"
            : `${mean(a["blocks_per_request"])} blocks, ${size(a["bytes_per_request"] ?? 0)}`,
        ],
      ]
    : [];
  const facts: [string, string, string][] = [
    ["Kernel", "Peak resident", size(p.peak_rss)],
    ["Kernel", "In huge pages", bytes("huge")],
    ["Kernel", "Swapped out", bytes("swapped")],
    ["Kernel", "Processor time", duration(p.cpu_seconds)],
    ["Kernel", "Threads at the peak", count(process.threads.peak)],
    [
      "Heap",
      "Allocations",
      `${count(a["allocations"] ?? 0)}, ${count(a["allocations_per_second"] ?? 0)}/s`,
    ],
    ["Heap", "Most in half a second", `${count(a["peak_allocations_per_second"] ?? 0)}/s`],
    ...requests,
    ["Heap", "Frees", count(a["frees"] ?? 0)],
    ["Heap", "Freed by another thread", share(a["remote_frees"] ?? 0, a["frees"] ?? 0)],
    ["Heap", "Allocations refused", count(a["refused"] ?? 0)],
    ["Heap", "Address space for spans", bytes("mapped")],
    ["Heap", "Given back so far", bytes("purged")],
    ["Heap", "Of that, taken again", bytes("retouched")],
    ["Heap", "May stay cached", bytes("dirty_bound")],
    ["Heap", "Limit", m["limit"] ? bytes("limit") : "none"],
  ];
  const s = process.sampling;
  if (s)
    facts.push(
      ["Samples", "Taken", count(s.taken)],
      ["Samples", "Mean distance", s.mean <= 1 ? "every block" : short(size(s.mean))],
      ["Samples", "Lost for want of room", count(s.lost)],
      ["Samples", "Processor time", duration(s.seconds)],
    );
  const groups = [...new Set(facts.map(([group]) => group))].filter(
    (group) => p.on_midden || group === "Kernel",
  );
  const list = (group: string) => {
    const id = newId("figures");
    const rows = facts
      .filter(([g]) => g === group)
      .map(([, name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
    return h(
      "div",
      {},
      h("h3", { id }, group),
      h("dl", { class: "facts", "aria-labelledby": id }, ...rows),
    );
  };
  return section("Figures", "", h("div", { class: "columns" }, ...groups.map(list)));
}
