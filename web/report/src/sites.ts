// web/report/src/sites.ts -- who allocates: the flame graph and, of the same figures, two tables.
// SPDX-License-Identifier: MIT
import { type Process, type Site, frameOf, placeOf } from "./data";
import { choice, folded, h, section } from "./dom";
import { stackList } from "./findings";
import { Flame } from "./flame";
import { type FunctionSum, type Measure, functionKeys, joinStacks, matcher, measureOf, sumFunctions } from "./stacks";
import { stateGet, stateSet } from "./state";
import { type Column, sortedTable } from "./tables";
import { count, exact, exactSize, share, size, whereabouts } from "./words";

const bytesColumn = <Row>(title: string, value: (row: Row) => number): Column<Row> => ({
  title,
  number: true,
  value,
  show: (row) => size(value(row)),
  exactly: (row) => exactSize(value(row)),
});

const countColumn = <Row>(title: string, value: (row: Row) => number): Column<Row> => ({
  title,
  number: true,
  value,
  show: (row) => count(value(row)),
  exactly: (row) => exact(value(row)),
});

function siteTable(process: Process, sites: Site[]): HTMLElement {
  const named = (site: Site) => {
    const place = placeOf(process, site);
    const words = h("span", {}, h("code", {}, place.function), " ", h("span", { class: "where" }, whereabouts(place)));
    return folded(words, () => [stackList(site.stack.map((f) => frameOf(process, f)), site.place)]);
  };
  const columns: Column<Site>[] = [
    { title: "Site", value: (s) => placeOf(process, s).function, show: named },
    {
      ...bytesColumn<Site>("Live", (s) => s.live_bytes),
      show: (s) => (s.live_error >= 1 ? `${size(s.live_bytes)} ± ${size(s.live_error)}` : size(s.live_bytes)),
    },
    countColumn("Blocks", (s) => s.live_blocks),
    bytesColumn("Its peak", (s) => s.peak_bytes),
    bytesColumn("Allocated", (s) => s.allocated_bytes),
    countColumn("Calls", (s) => s.allocated_blocks),
    countColumn("Samples", (s) => s.samples),
  ];
  return sortedTable("Sites", columns, sites, 1);
}

function functionTable(process: Process, measure: Measure, matches: (frame: number) => boolean, all: boolean): HTMLElement {
  const sums = sumFunctions(process, measure).filter((sum) => all || matches(sum.frame));
  const whole = process.sites.reduce((sum, site) => sum + measureOf(site, measure), 0);
  const frame = (at: number) => frameOf(process, at);
  return sortedTable(
    "Functions",
    [
      {
        title: "Function",
        value: (s) => frame(s.frame).function,
        show: (s) => h("span", {}, h("code", {}, frame(s.frame).function), " ", h("span", { class: "where" }, whereabouts({ ...frame(s.frame), line: null }))),
      },
      bytesColumn<FunctionSum>("Own", (s) => s.own),
      bytesColumn<FunctionSum>("With what it calls", (s) => s.total),
      { title: "Share", number: true, value: (s) => s.total, show: (s) => share(s.total, whole) },
    ],
    sums,
    2,
  );
}

export interface SitesPart {
  element: HTMLElement;
  showSite: (site: number) => void;
}

export function sitesSection(process: Process): SitesPart | null {
  if (process.sites.length === 0) return null;
  const hasPeak = process.sites.some((site) => site.at_peak_bytes !== null);
  const measures: [Measure, string][] = [["live", "In use"], ...(hasPeak ? [["peak", "At the peak"] as [Measure, string]] : []), ["allocated", "Allocated"]];
  const known = <T extends string>(key: string, from: readonly T[], otherwise: T): T =>
    from.find((word) => word === stateGet(key)) ?? otherwise;
  const total = (of: Measure) => process.sites.reduce((sum, site) => sum + measureOf(site, of), 0);
  // A program that frees all before it ends has nothing to show in use.
  const usual: Measure = hasPeak && total("live") < total("peak") / 10 ? "peak" : "live";
  let measure = known("measure", measures.map(([m]) => m), usual);
  let view = known("view", ["graph", "sites", "functions"] as const, "graph");
  let callers = stateGet("callers") === "1";
  let words = stateGet("search") ?? "";

  const flame = new Flame(process, joinStacks(process, measure, callers), (path) => {
    stateSet("zoom", path);
    reset.hidden = path === "";
  });
  const table = h("div");
  const matched = h("output", { class: "matched", "aria-live": "polite" });
  const search = h("input", { type: "search", placeholder: "Search functions, files, modules", "aria-label": "Search functions, files and modules", value: words, "aria-keyshortcuts": "/ Control+F", spellcheck: false, autocomplete: "off" });
  const reset = h("button", { type: "button", click: () => flame.reset() }, "Reset zoom");
  const invert = h("button", { type: "button", "aria-pressed": String(callers), title: "The innermost functions on top, under them who calls them", click: () => setCallers(!callers) }, "Invert");
  const views: [typeof view, string][] = [["graph", "Flame graph"], ["functions", "Functions"], ["sites", "Sites"]];
  const hint = h("p", { class: "hint" }, keyHint());

  // What the tables show of a search: the stacks that it hits anywhere.
  function found(): { matches: (frame: number) => boolean; sites: Site[] } {
    const matches = matcher(process, words);
    const sites = process.sites.filter((site) => words.trim() === "" || site.stack.some(matches));
    return { matches, sites };
  }
  function refresh(): void {
    const { matches, sites } = found();
    const whole = total(measure);
    const hit = sites.reduce((sum, site) => sum + measureOf(site, measure), 0);
    flame.search(words);
    matched.textContent = words.trim() === "" ? "" : `${share(hit, whole)} matched`;
    flame.element.hidden = hint.hidden = invert.hidden = view !== "graph";
    table.hidden = view === "graph";
    reset.hidden = view !== "graph" || (stateGet("zoom") ?? "") === "";
    if (view === "sites") table.replaceChildren(siteTable(process, sites));
    if (view === "functions")
      table.replaceChildren(functionTable(process, measure, matches, words.trim() === ""));
  }
  function redraw(path: string): void {
    stateSet("zoom", path);
    flame.show(joinStacks(process, measure, callers), path);
    refresh();
  }
  function setCallers(on: boolean): void {
    callers = on;
    invert.setAttribute("aria-pressed", String(on));
    stateSet("callers", on ? "1" : "");
    redraw("");
  }
  function setMeasure(key: string): void {
    measure = key as Measure;
    stateSet("measure", measure === usual ? "" : measure);
    redraw(stateGet("zoom") ?? "");
  }
  function setView(key: string): void {
    view = key as typeof view;
    stateSet("view", view === "graph" ? "" : view);
    refresh();
  }

  search.addEventListener("input", () => {
    words = search.value;
    stateSet("search", words.trim());
    refresh();
  });
  search.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    search.value = words = "";
    stateSet("search", "");
    refresh();
  });
  redraw(stateGet("zoom") ?? "");

  const viewChoice = choice("How to show it", views, view, setView);
  const measureChoice = choice("Which bytes", measures, measure, setMeasure);
  const element = section(
    "Who allocates",
    "Each box is a function, as wide as the bytes under it; it is called by the one above. Click one to zoom in.",
    h(
      "div",
      { class: "tools" },
      viewChoice,
      measureChoice,
      h("div", { class: "search" }, search, matched),
      invert,
      reset,
    ),
    flame.element,
    hint,
    table,
  );
  element.id = "sites";
  const keys = functionKeys(process);
  const showSite = (at: number) => {
    const site = process.sites[at];
    if (site === undefined) return;
    if (callers) setCallers(false);
    const press = (group: HTMLElement, key: string) =>
      group.querySelector<HTMLButtonElement>(`[data-key=${key}]`)?.click();
    press(viewChoice, "graph");
    if (measureOf(site, measure) <= 0)
      press(measureChoice, measures.find(([other]) => measureOf(site, other) > 0)?.[0] ?? measure);
    redraw(site.stack.toReversed().map((frame) => keys[frame]).join("_"));
    reset.hidden = false;
    element.scrollIntoView();
  };
  return { element, showSite };
}

function keyHint(): HTMLElement {
  const key = (words: string) => h("kbd", {}, words);
  return h("span", {}, key("/"), " search  ", key("←"), key("↑"), key("↓"), key("→"), " move  ", key("Enter"), " zoom  ", key("Backspace"), " out  ", key("Esc"), " reset");
}
