// web/report/src/collections.ts -- the collected heap: what collecting it cost, its pauses.
// SPDX-License-Identifier: MIT
import type { Collection, Collections, Process } from "./data";
import { folded, h, section } from "./dom";
import { type Bar, barTable } from "./memory";
import { sortedTable } from "./tables";
import { count, duration, exact, exactSize, plural, share, short, size } from "./words";

// Buckets are four to an octave: a bar for each octave, from the shortest pause to the longest.
function pauseBars(collections: Collections): Bar[] {
  const first = 1.024e-6;
  const octave = (seconds: number) =>
    Math.max(0, 1 + Math.floor(Math.log2(seconds / first) + 1e-6));
  const times = new Map<number, number>();
  for (const p of collections.pauses) {
    const at = octave(p.from_seconds);
    times.set(at, (times.get(at) ?? 0) + p.times);
  }
  const octaves = [...times.keys()];
  const bars: Bar[] = [];
  for (let at = Math.min(...octaves); at <= Math.max(...octaves); at++)
    bars.push({
      name: `under ${short(duration(first * 2 ** at))}`,
      value: times.get(at) ?? 0,
      words: count(times.get(at) ?? 0),
      exactly: plural(times.get(at) ?? 0, "pause"),
    });
  return bars;
}

function utilisationBars(collections: Collections): Bar[] {
  return collections.utilisation.map((w) => ({
    name: short(duration(w.window_seconds)),
    value: w.least,
    words: share(w.least, 1),
    exactly: `${share(w.p1, 1)} or more in 99 of 100, ${share(w.p50, 1)} in half`,
    part: "living",
  }));
}

function lastTable(last: Collection[]): HTMLElement {
  const bytes = (title: string, value: (c: Collection) => number) => ({
    title,
    number: true,
    value,
    show: (c: Collection) => size(value(c)),
    exactly: (c: Collection) => exactSize(value(c)),
  });
  return sortedTable(
    "The last collections",
    [
      {
        title: "Collection",
        value: (c) => -c.number,
        show: (c) => `${exact(c.number)}, ${c.major ? "major" : "minor"}`,
      },
      {
        title: "At",
        number: true,
        value: (c) => c.at_seconds,
        show: (c) => duration(c.at_seconds),
      },
      {
        title: "Pause",
        number: true,
        value: (c) => c.pause_seconds,
        show: (c) => duration(c.pause_seconds),
      },
      bytes("In use before", (c) => c.before),
      bytes("After", (c) => c.after),
      bytes("Held", (c) => c.committed),
    ],
    last,
    0,
  );
}

export function collectionsSection(process: Process): HTMLElement | null {
  const c = process.collections ?? null;
  if (c === null || c.minor + c.major === 0) return null;
  const facts: [string, string][] = [
    ["In use", `${size(c.used)} of ${size(c.committed)} held`],
    ["Held at the most", size(c.peak_committed)],
    ["Live at the last major one", `${size(c.live)} in ${plural(c.live_objects, "object")}`],
    ["Collections", `${exact(c.minor)} minor, ${exact(c.major)} major`],
    [
      "Stopped the program",
      `${duration(c.stopped_seconds)}, ${share(c.stopped_seconds, process.process.wall_seconds)}`,
    ],
    ["Processor time", duration(c.cpu_seconds)],
    ["Half of the pauses up to", duration(c.pause_p50)],
    ["99 in 100 up to", duration(c.pause_p99)],
    ["The longest", duration(c.pause_longest)],
  ];
  const list = facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  const part = (title: string, lead: string, heads: [string, string], bars: Bar[]) =>
    bars.length > 0 &&
    h("div", {}, h("h3", {}, title), h("p", { class: "lead" }, lead), barTable(title, heads, bars));
  return section(
    c.heaps === 1 ? "Collected heap" : "Collected heaps",
    "",
    h(
      "div",
      { class: "columns" },
      h("div", {}, h("dl", { class: "facts" }, ...list)),
      part(
        "Pauses",
        "How long the program was stopped, counted.",
        ["Pause", "Times"],
        pauseBars(c),
      ),
      part(
        "Left to the program",
        "In the worst window of time of each length.",
        ["Window", "At least"],
        utilisationBars(c),
      ),
    ),
    c.last.length > 0 && folded("The last collections", () => [lastTable(c.last)]),
  );
}
