// web/report/src/timeline.ts -- live memory over time: the top sites stacked, the rest, and RSS.
// SPDX-License-Identifier: MIT
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type History, type Process, placeOf } from "./data";
import { folded, h, section, tableBox } from "./dom";
import { brief, duration, exactSize, short, size, whereabouts } from "./words";

interface Layer {
  name: string;
  bytes: number[];
  colour: string; // a custom property of the style sheet
}

const TOP = 6; // as many as there are colours beside those of the rest and of RSS

// Sites are estimates from samples, the whole is counted: what they leave is the rest.
function layersOf(process: Process, history: History): Layer[] {
  const sites = history.lines.slice(0, TOP).map((s, i) => {
    const site = process.sites[s.site];
    const place = site ? placeOf(process, site) : null;
    const where = place ? whereabouts(place) : "";
    return {
      name: place
        ? [brief(place.function), where].filter((word) => word !== "").join(", ")
        : "unknown",
      bytes: s.bytes.map((b) => b ?? 0),
      colour: `--series-${i}`,
    };
  });
  const rest = history.live.map((live, t) =>
    Math.max(0, (live ?? 0) - sites.reduce((sum, site) => sum + (site.bytes[t] ?? 0), 0)),
  );
  const name = sites.length > 0 ? "all others" : "live heap";
  return [...sites, { name, bytes: rest, colour: "--series-rest" }];
}

// uPlot draws each series as the sum up to it, the topmost first, and fills down to the next.
function stacked(layers: Layer[]): number[][] {
  const sums: number[][] = [];
  let below: number[] = [];
  for (const layer of [...layers].reverse()) {
    below = layer.bytes.map((b, t) => b + (below[t] ?? 0));
    sums.unshift(below);
  }
  return sums;
}

const styleOf = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Powers of two, so that the axis reads 256 MiB, 512 MiB.
function byteSplits(_: uPlot, __: number, low: number, high: number): number[] {
  let step = 2 ** Math.ceil(Math.log2(Math.max((high - low) / 6, 1)));
  if ((high - low) / step < 3) step /= 2;
  const splits: number[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) splits.push(at);
  return splits;
}

function timeSplits(_: uPlot, __: number, low: number, high: number): number[] {
  const steps = [
    1e-3, 1e-2, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200,
    86400,
  ];
  const narrow = innerWidth < 600 ? 3 : 8;
  const step =
    steps.find((s) => (high - low) / s <= narrow) ??
    86400 * Math.ceil((high - low) / 86400 / narrow);
  const splits: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) splits.push(i * step);
  return splits;
}

function shortTime(seconds: number): string {
  return short(duration(seconds)).replace(" 00 s", "").replace(" 00 min", "");
}

function options(
  layers: Layer[],
  legend: (at: number | null) => void,
  width: number,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: styleOf("--muted"),
    grid: { stroke: styleOf("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width,
    height: Math.max(220, Math.min(360, width * 0.42)),
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false }, points: { size: 6 } },
    scales: { x: { time: false }, y: { range: (_, __, high) => [0, Math.max(high * 1.06, 1024)] } },
    axes: [
      { ...axis, splits: timeSplits, values: (_, at) => at.map(shortTime), size: 32 },
      {
        ...axis,
        splits: byteSplits,
        values: (_, at) => at.map((bytes) => short(size(bytes))),
        size: 68,
      },
    ],
    series: [
      {},
      ...layers.map((layer) => ({
        label: layer.name,
        stroke: styleOf(layer.colour),
        fill: styleOf(`${layer.colour}-fill`),
        width: 1,
        points: { show: false },
      })),
      { label: "RSS", stroke: styleOf("--ink"), width: 2, dash: [7, 4], points: { show: false } },
    ],
    bands: layers.slice(1).map((_, i) => ({ series: [i + 1, i + 2] as [number, number] })),
    hooks: { setCursor: [(plot: uPlot) => legend(plot.cursor.idx ?? null)] },
  };
}

function legendOf(history: History, layers: Layer[]): [HTMLElement, (at: number | null) => void] {
  const time = h("span", { class: "time" });
  const cells = [...layers.map((l) => l.name), "RSS"].map((name, i) => {
    const value = h("span", { class: "value" });
    const colour = layers[i]?.colour;
    const swatch = h("span", { class: colour ? "swatch" : "swatch dashed" });
    if (colour) swatch.style.background = `var(${colour})`;
    return {
      value,
      row: h("li", {}, swatch, h("span", { class: "name", title: name }, name), value),
    };
  });
  const live = history.live.map((bytes) => bytes ?? 0);
  const peak = live.indexOf(Math.max(...live));
  const show = (at: number | null) => {
    const t = at ?? peak;
    time.textContent =
      (at === null ? "When most was live, after " : "After ") + duration(history.seconds[t] ?? 0);
    cells.forEach((cell, i) => {
      const bytes = layers[i] ? layers[i].bytes[t] : history.resident[t];
      cell.value.textContent = bytes == null ? "unknown" : size(bytes);
    });
  };
  show(null);
  return [h("div", { class: "series" }, time, h("ul", {}, ...cells.map((c) => c.row))), show];
}

function tableOf(history: History, layers: Layer[]): HTMLElement {
  const cell = (bytes: number | null | undefined) =>
    h(
      "td",
      { class: "number", title: bytes == null ? null : exactSize(bytes) },
      bytes == null ? "unknown" : size(bytes),
    );
  const row = (seconds: number, t: number) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", class: "number" }, duration(seconds)),
      cell(history.resident[t]),
      cell(history.live[t]),
      ...layers.map((l) => cell(l.bytes[t])),
    );
  const head = ["Time", "RSS", "Live heap", ...layers.map((l) => l.name)].map((name) =>
    h("th", { scope: "col", class: "number" }, name),
  );
  const table = h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...history.seconds.map(row)),
  );
  return tableBox(table, "Memory over time");
}

export function timelineSection(process: Process): HTMLElement | null {
  const past = process.history;
  if (past === null || past.seconds.length < 2) return null;
  const layers = layersOf(process, past);
  const [legend, showLegend] = legendOf(past, layers);
  const box = h("div", {
    class: "chart",
    role: "img",
    "aria-label": "Live memory over time, by site; the same is in the table below",
  });
  const data: uPlot.AlignedData = [past.seconds, ...stacked(layers), past.resident];
  let plot: uPlot | null = null;
  const draw = () => {
    plot?.destroy();
    if (box.clientWidth > 0)
      plot = new uPlot(options(layers, showLegend, box.clientWidth), data, box);
  };
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw();
  }).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  box.addEventListener("pointerleave", () => showLegend(null));
  return section(
    "Memory over time",
    "What the lines that held most had live, stacked; the dashed line is resident memory. " +
      "Drag to zoom, double-click for all.",
    box,
    legend,
    folded("The same as a table", () => [tableOf(past, layers)]),
  );
}
