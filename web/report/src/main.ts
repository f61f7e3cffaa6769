// web/report/src/main.ts -- puts the page together.
// SPDX-License-Identifier: MIT
import { collectionsSection } from "./collections";
import { type Process, type Report, readReport } from "./data";
import { h, section, svg } from "./dom";
import { crashSection, findingsSection } from "./findings";
import { figuresSection, histogramSection, spansSection, whereSection } from "./memory";
import { type SitesPart, sitesSection } from "./sites";
import { stateGet, stateSet } from "./state";
import "./style.css";
import { sortedTable } from "./tables";
import { timelineSection } from "./timeline";
import { basename, count, duration, exact, exactSize, plural, size } from "./words";

// Layers of an old heap.
function logo(): SVGElement {
  const layer = (d: string, name: string) => svg("path", { d, class: name });
  return svg(
    "svg",
    { viewBox: "0 0 32 32", class: "logo", "aria-hidden": "true" },
    layer("M2 26c3-1.5 7-1.2 10-.4s7 1 10 .2 5.500-.8 8 .2v3H2z", "a"),
    layer(
      "M4 21c3-2 6-1.6 9-.7s6 .9 8.5 0 4.5-.6 6.5.5l1 3.7c-2.5-1-5-1-8 0s-6.5.6-9.5-.2-6-1-8.5.4z",
      "b",
    ),
    layer(
      "M8 15.5c2.5-1.7 4.5-1.4 7-.6s5 .7 7-.2 2.5-.2 3.5.6l1.7 4c-2-1-4-.9-6.7-.1s-5 .8-8 0-5-.9-6.7.4z",
      "c",
    ),
    layer(
      "M12 10c2-2.500 5.500-3.200 8.200-.5l2.800 4c-1.500.6-3.500 1.100-6 .4s-4.500-.7-6.800.3z",
      "d",
    ),
  );
}

function ending(p: Process["process"]): string {
  if (p.lives) return "still runs";
  if (p.signal !== null) return `ended by signal ${p.signal}`;
  return p.exit === null ? "ended" : `exit status ${p.exit}`;
}

function tiles(process: Process): HTMLElement {
  const p = process.process;
  const tile = (name: string, value: string, more: string, exactly = "") =>
    h(
      "div",
      { class: "tile", title: exactly },
      h("dt", {}, name),
      h("dd", {}, h("strong", {}, value), h("span", {}, more)),
    );
  const end = p.final || !p.lives ? "at the end" : "now";
  const heap = [
    tile(
      "Live at the peak",
      size(p.peak_live_bytes),
      "the most seen",
      exactSize(p.peak_live_bytes),
    ),
    tile(
      "Live " + end,
      size(p.live_bytes),
      plural(p.live_blocks, "block"),
      exactSize(p.live_bytes),
    ),
  ];
  return h(
    "dl",
    { class: "tiles" },
    tile(
      "Peak RSS",
      p.peak_rss > 0 ? size(p.peak_rss) : "unknown",
      "resident at the most",
      exactSize(p.peak_rss),
    ),
    tile(
      "RSS " + end,
      p.final_rss > 0 ? size(p.final_rss) : "unknown",
      "resident",
      exactSize(p.final_rss),
    ),
    ...(p.on_midden ? heap : []),
    tile("Ran for", duration(p.wall_seconds), `${duration(p.cpu_seconds)} of processor time`),
    tile(
      "Allocations",
      count(process.activity["allocations"] ?? 0),
      `${count(process.activity["allocations_per_second"] ?? 0)}/s on average`,
      exact(process.activity["allocations"] ?? 0),
    ),
  );
}

function title(report: Report, process: Process): HTMLElement {
  const p = process.process;
  const name = basename(p.command.split(" ")[0] ?? "") || `process ${p.pid}`;
  document.title = `${name}: Midden report`;
  return h(
    "header",
    { class: "title" },
    h(
      "div",
      { class: "brand" },
      logo(),
      h("span", {}, "Midden"),
      h("time", { datetime: report.made }, report.made.replace("T", " ").replace("Z", " UTC")),
    ),
    h("h1", {}, name),
    h("p", { class: "command" }, h("code", {}, p.command)),
    h("p", { class: "ending" }, `process ${p.pid}, ${ending(p)}`),
    tiles(process),
  );
}

function processesSection(
  report: Report,
  chosen: number,
  choose: (at: number) => void,
): HTMLElement | null {
  if (report.processes.length < 2) return null;
  const rows = report.processes.map((process, at) => ({
    p: process.process,
    n: process.findings.length,
    at,
  }));
  const name = (row: (typeof rows)[number]) =>
    h(
      "button",
      {
        type: "button",
        class: "link",
        "aria-current": row.at === chosen ? "true" : null,
        click: () => choose(row.at),
      },
      row.p.command,
    );
  const bytes = (words: string, value: (row: (typeof rows)[number]) => number) => ({
    title: words,
    number: true,
    value,
    show: (row: (typeof rows)[number]) => size(value(row)),
    exactly: (row: (typeof rows)[number]) => exactSize(value(row)),
  });
  const number = (words: string, value: (row: (typeof rows)[number]) => number) => ({
    title: words,
    number: true,
    value,
    show: (row: (typeof rows)[number]) => String(value(row)),
  });
  const table = sortedTable(
    "Processes",
    [
      { title: "Command", value: (row) => row.p.command, show: name },
      number("Process", (row) => row.p.pid),
      bytes("Peak RSS", (row) => row.p.peak_rss),
      bytes("Final RSS", (row) => row.p.final_rss),
      bytes("Live heap", (row) => row.p.live_bytes),
      number("Findings", (row) => row.n),
    ],
    rows,
    2,
    12,
  );
  return section(
    `All ${report.processes.length} processes of the run`,
    "Choose one to see it above.",
    table,
  );
}

function notesSection(report: Report): HTMLElement | null {
  const notes = report.processes.flatMap((process) => process.notes);
  if (notes.length === 0) return null;
  return section("Notes", "", h("ul", {}, ...notes.map((note) => h("li", {}, note))));
}

// The process that most is to be said of is shown first, unless the link says which.
function worst(report: Report): number {
  const asked = report.processes.findIndex((p) => String(p.process.pid) === stateGet("process"));
  if (asked >= 0) return asked;
  const peaks = report.processes.map((p) => (p.process.on_midden ? p.process.peak_rss : 0));
  const most = peaks.indexOf(Math.max(...peaks));
  return (peaks[most] ?? 0) > 1.5 * (peaks[0] ?? 0) ? most : 0;
}

// `/` and Ctrl-F go to the search of the graph; Ctrl-F once more is the browser's.
function listenForSearch(): void {
  document.addEventListener("keydown", (e) => {
    const search = document.querySelector<HTMLInputElement>("input[type=search]");
    const typing = e.target instanceof HTMLInputElement;
    const wanted =
      (e.key === "/" && !typing) || (e.key === "f" && (e.ctrlKey || e.metaKey) && !typing);
    if (search === null || !wanted) return;
    e.preventDefault();
    search.focus();
    search.select();
  });
}

function show(report: Report, at: number): void {
  const process = report.processes[at];
  const page = document.getElementById("page");
  if (process === undefined || page === null) return;
  const choose = (other: number) => {
    for (const key of ["zoom", "search", "measure", "callers", "view"]) stateSet(key, "");
    stateSet("process", String(report.processes[other]?.process.pid ?? ""));
    show(report, other);
    scrollTo(0, 0);
  };
  let sites: SitesPart | null = null;
  const findings = findingsSection(process, (site) => sites?.showSite(site));
  page.replaceChildren();
  const main = h("main", {}, title(report, process), crashSection(process), findings);
  page.append(main); // before what measures itself
  const timeline = timelineSection(process);
  if (timeline) main.append(timeline);
  sites = sitesSection(process);
  const parts = [
    sites?.element,
    collectionsSection(process),
    whereSection(process),
    histogramSection(process),
    spansSection(process),
    figuresSection(process),
    processesSection(report, at, choose),
    notesSection(report),
  ];
  for (const part of parts) if (part) main.append(part);
  page.append(
    h(
      "footer",
      {},
      `Made by midden ${report.midden}. Sites are estimated from samples, ± one standard error; `,
      "the rest is counted. Sizes are in powers of 1024.",
    ),
  );
}

try {
  const report = await readReport();
  listenForSearch();
  show(report, worst(report));
} catch (error) {
  document
    .getElementById("page")
    ?.replaceChildren(
      h(
        "main",
        {},
        h(
          "p",
          { role: "alert" },
          `This report cannot be shown: ${error instanceof Error ? error.message : String(error)}.`,
        ),
      ),
    );
}
