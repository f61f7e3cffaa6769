// web/report/src/sites.ts -- who allocates: the flame graph and, of the same figures, two tables.
// SPDX-License-Identifier: MIT
import { type Process, type Site, frameOf, placeOf } from "./data";
import { choice, folded, h, section } from "./dom";
import { stackList } from "./findings";
import { Flame } from "./flame";
import {
  type FunctionSum,
  type Measure,
  type StackNode,
  functionKeys,
  joinStacks,
  matcher,
  measureOf,
  sumFunctions,
} from "./stacks";
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
    const words = h(
      "span",
      {},
      h("code", {}, place.function),
      " ",
      h("span", { class: "where" }, whereabouts(place)),
    );
    return folded(words, () => [
      stackList(
        site.stack.map((f) => frameOf(process, f)),
        site.place,
      ),
    ]);
  };
  const columns: Column<Site>[] = [
    { title: "Site", value: (s) => placeOf(process, s).function, show: named },
    {
      ...bytesColumn<Site>("Live", (s) => s.live_bytes),
      show: (s) =>
        s.live_error >= 1 ? `${size(s.live_bytes)} ± ${size(s.live_error)}` : size(s.live_bytes),
    },
    countColumn("Blocks", (s) => s.live_blocks),
    bytesColumn("Its peak", (s) => s.peak_bytes),
    bytesColumn("Allocated", (s) => s.allocated_bytes),
    countColumn("Calls", (s) => s.allocated_blocks),
    countColumn("Samples", (s) => s.samples),
  ];
  return sortedTable("Sites", columns, sites, 1);
}

function functionTable(
  process: Process,
  measure: Measure,
  matches: (frame: number) => boolean,
): HTMLElement {
  const sums = sumFunctions(process, measure).filter((sum) => matches(sum.frame));
  const whole = process.sites.reduce((sum, site) => sum + measureOf(site, measure), 0);
  const frame = (at: number) => frameOf(process, at);
  return sortedTable(
    "Functions",
    [
      {
        title: "Function",
        value: (s) => frame(s.frame).function,
        show: (s) =>
          h(
            "span",
            {},
            h("code", {}, frame(s.frame).function),
            " ",
            h("span", { class: "where" }, whereabouts({ ...frame(s.frame), line: null })),
          ),
      },
      bytesColumn<FunctionSum>("Own", (s) => s.own),
      bytesColumn<FunctionSum>("With what it calls", (s) => s.total),
      { title: "Share", number: true, value: (s) => s.total, show: (s) => share(s.total, whole) },
    ],
    sums,
    2,
  );
}

export function sitesSection(process: Process): SitesPart | null {
  return process.sites.length === 0 ? null : new SitesPart(process);
}

const views = ["graph", "functions", "sites"] as const;
type View = (typeof views)[number];

// What is chosen is in the fields, in the URL's fragment, and nowhere else.
export class SitesPart {
  readonly element: HTMLElement;
  private readonly measures: [Measure, string][];
  private readonly usual: Measure;
  private measure: Measure;
  private view: View;
  private callers = stateGet("callers") === "1";
  private words = stateGet("search") ?? "";

  private readonly flame: Flame;
  private readonly table = h("div");
  private readonly hint = keyHint();
  private readonly matched = h("output", { class: "matched", "aria-live": "polite" });
  private readonly search = h("input", {
    type: "search",
    placeholder: "Search functions, files, modules",
    "aria-label": "Search functions, files and modules",
    "aria-keyshortcuts": "/ Control+F",
    spellcheck: false,
    autocomplete: "off",
    value: this.words,
    input: () => this.setWords(this.search.value),
    keydown: (e: KeyboardEvent) => e.key === "Escape" && this.setWords(""),
  });
  private readonly invert = h(
    "button",
    {
      type: "button",
      title: "The innermost functions on top, under them who calls them",
      click: () => this.setCallers(!this.callers),
    },
    "Invert",
  );
  private readonly reset = h(
    "button",
    { type: "button", click: () => this.flame.reset() },
    "Reset zoom",
  );
  private readonly viewChoice: HTMLElement;
  private readonly measureChoice: HTMLElement;

  constructor(private readonly process: Process) {
    const hasPeak = process.sites.some((site) => site.at_peak_bytes !== null);
    this.measures = [
      ["live", "In use"],
      ...(hasPeak ? [["peak", "At the peak"] as [Measure, string]] : []),
      ["allocated", "Allocated"],
    ];
    // A program that frees all before it ends has nothing to show in use.
    this.usual = hasPeak && this.total("live") < this.total("peak") / 10 ? "peak" : "live";
    const known = this.measures.map(([measure]) => measure);
    this.measure = known.find((measure) => measure === stateGet("measure")) ?? this.usual;
    this.view = views.find((view) => view === stateGet("view")) ?? "graph";
    this.flame = new Flame(process, this.join(), (path) => this.setZoom(path));
    const titles: [View, string][] = [
      ["graph", "Flame graph"],
      ["functions", "Functions"],
      ["sites", "Sites"],
    ];
    this.viewChoice = choice("How to show it", titles, this.view, (v) => this.setView(v as View));
    this.measureChoice = choice("Which bytes", this.measures, this.measure, (m) =>
      this.setMeasure(m as Measure),
    );
    this.element = this.lay();
    this.redraw(stateGet("zoom") ?? "");
  }

  private lay(): HTMLElement {
    const search = h("div", { class: "search" }, this.search, this.matched);
    const tools = [this.viewChoice, this.measureChoice, search, this.invert, this.reset];
    const element = section(
      "Who allocates",
      "Each box is a function, as wide as the bytes under it; it is called by the one above. " +
        "Click one to zoom in.",
      h("div", { class: "tools" }, ...tools),
      this.flame.element,
      this.hint,
      this.table,
    );
    element.id = "sites";
    return element;
  }

  // The graph, zoomed to a site's innermost frame, of bytes that it has.
  showSite(at: number): void {
    const site = this.process.sites[at];
    if (site === undefined) return;
    if (this.callers) this.setCallers(false);
    const press = (group: HTMLElement, key: string) =>
      group.querySelector<HTMLButtonElement>(`[data-key=${key}]`)?.click();
    press(this.viewChoice, "graph");
    const has = this.measures.find(([measure]) => measureOf(site, measure) > 0);
    if (has && measureOf(site, this.measure) <= 0) press(this.measureChoice, has[0]);
    const keys = functionKeys(this.process);
    this.redraw(
      site.stack
        .toReversed()
        .map((frame) => keys[frame])
        .join("_"),
    );
    this.element.scrollIntoView();
  }

  private total(measure: Measure, sites = this.process.sites): number {
    return sites.reduce((sum, site) => sum + measureOf(site, measure), 0);
  }

  private join(): StackNode {
    return joinStacks(this.process, this.measure, this.callers);
  }

  private redraw(path: string): void {
    stateSet("zoom", path);
    this.flame.show(this.join(), path);
    this.refresh();
  }

  private refresh(): void {
    const graph = this.view === "graph";
    const searching = this.words.trim() !== "";
    const matches = matcher(this.process, this.words);
    // Of a search the tables show the stacks that it hits anywhere.
    const sites = this.process.sites.filter((site) => !searching || site.stack.some(matches));
    const matched = share(this.total(this.measure, sites), this.total(this.measure));
    this.flame.search(this.words);
    this.matched.textContent = searching ? `${matched} matched` : "";
    this.flame.element.hidden = this.hint.hidden = this.invert.hidden = !graph;
    this.invert.setAttribute("aria-pressed", String(this.callers));
    this.measureChoice.hidden = this.view === "sites"; // which has a column of each
    this.reset.hidden = !graph || (stateGet("zoom") ?? "") === "";
    this.table.hidden = graph;
    if (this.view === "sites") this.table.replaceChildren(siteTable(this.process, sites));
    if (this.view === "functions")
      this.table.replaceChildren(
        functionTable(this.process, this.measure, (at) => !searching || matches(at)),
      );
  }

  // ---- what can be chosen

  private setZoom(path: string): void {
    stateSet("zoom", path);
    this.reset.hidden = path === "";
  }

  private setCallers(on: boolean): void {
    this.callers = on;
    stateSet("callers", on ? "1" : "");
    this.redraw("");
  }

  private setMeasure(measure: Measure): void {
    this.measure = measure;
    stateSet("measure", measure === this.usual ? "" : measure);
    this.redraw(stateGet("zoom") ?? "");
  }

  private setView(view: View): void {
    this.view = view;
    stateSet("view", view === "graph" ? "" : view);
    this.refresh();
  }

  private setWords(words: string): void {
    this.words = words;
    if (this.search.value !== words) this.search.value = words;
    stateSet("search", words.trim());
    this.refresh();
  }
}

function keyHint(): HTMLElement {
  const key = (words: string) => h("kbd", {}, words);
  const hint = h("p", { class: "hint" });
  hint.append(key("/"), " search  ", key("←"), key("↑"), key("↓"), key("→"), " move  ");
  hint.append(key("Enter"), " zoom  ", key("Backspace"), " out  ", key("Esc"), " reset");
  return hint;
}
