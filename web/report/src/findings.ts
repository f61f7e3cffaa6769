// web/report/src/findings.ts -- what was found, worst first: what, where, how sure, what to do.
// SPDX-License-Identifier: MIT
import type { Finding, Frame, Process } from "./data";
import { folded, h, newId, section } from "./dom";
import { exactSize, plural, sentence, size, whereabouts } from "./words";

// A recursion is one row that says how often.
export function stackList(stack: Frame[], blame: number): HTMLElement {
  const list = h("ol", { class: "stack" });
  const same = (a: Frame, b: Frame | undefined) =>
    a.function === b?.function && a.line === b.line && a.file === b.file && a.module === b.module;
  for (let at = 0, next = 0; at < stack.length; at = next) {
    const frame = stack[at];
    if (frame === undefined) break;
    while (next < stack.length && same(frame, stack[next])) next++;
    const row = h(
      "li",
      { value: at + 1, class: at <= blame && blame < next ? "blame" : "" },
      h("code", {}, frame.function),
      " ",
      h("span", { class: "where", title: frame.file ?? frame.module ?? "" }, whereabouts(frame)),
      frame.inlined && h("span", { class: "tag" }, "inlined"),
      next - at > 1 && h("span", { class: "tag" }, `${next - at} times`),
    );
    list.append(row);
  }
  return list;
}

// Who keeps the blocks alive: from the owner, each step held by the one before, to the blocks.
function heldBy(finding: Finding): HTMLElement | null {
  if (finding.held_by.length === 0) return null;
  const label = newId("held");
  const retained = finding.retained;
  return h(
    "div",
    { class: "held" },
    h("p", { id: label }, h("strong", {}, "Held by"), " from the owner to these blocks"),
    h(
      "ol",
      { class: "way", "aria-labelledby": label },
      ...finding.held_by.map((step) => h("li", {}, step === "..." ? "…" : h("code", {}, step))),
    ),
    retained !== null &&
      h(
        "p",
        { title: exactSize(retained) },
        `${size(retained)} would be free if these blocks went.`,
      ),
  );
}

function findingCard(finding: Finding, showSite: (site: number) => void): HTMLElement {
  const blame = finding.stack.findIndex(
    (f) => f.function === finding.function && f.line === finding.line,
  );
  const where = whereabouts({ ...finding, module: finding.stack[blame]?.module ?? null });
  const site = finding.site;
  return h(
    "article",
    { class: `finding ${finding.confidence}` },
    h(
      "header",
      {},
      h(
        "h3",
        {},
        h("span", { class: "kind" }, finding.kind),
        h(
          "span",
          { class: "stake", title: exactSize(finding.bytes) },
          finding.bytes > 0 ? size(finding.bytes) : "",
        ),
      ),
      h("span", { class: "confidence", title: finding.why }, finding.confidence),
    ),
    h("p", { class: "what" }, sentence(finding.what)),
    finding.function &&
      h(
        "p",
        { class: "place" },
        h("code", {}, finding.function),
        where !== "" && " ",
        h("span", { class: "where", title: finding.file ?? "" }, where),
      ),
    h("p", { class: "advice" }, sentence(finding.advice)),
    h("p", { class: "why" }, h("strong", {}, `Why ${finding.confidence}: `), finding.why, "."),
    heldBy(finding),
    h(
      "div",
      { class: "more-of-it" },
      finding.stack.length > 0 &&
        folded(`Stack of ${plural(finding.stack.length, "frame")}`, () => [
          stackList(finding.stack, blame),
        ]),
      site !== null &&
        h(
          "button",
          { type: "button", class: "link", click: () => showSite(site) },
          "Show in the flame graph",
        ),
    ),
  );
}

export function crashSection(process: Process): HTMLElement | null {
  const crash = process.crash;
  if (crash === null) return null;
  const blame = crash.stack.findIndex(
    (f) => f.function === crash.function && f.line === crash.line,
  );
  return section(
    crash.signal === null ? "Its last words" : `It died of signal ${crash.signal}`,
    "",
    h("p", { class: "what" }, sentence(crash.sentence)),
    crash.stack.length > 0 &&
      folded(
        `Stack of ${plural(crash.stack.length, "frame")}`,
        () => [stackList(crash.stack, blame)],
        true,
      ),
  );
}

export function findingsSection(process: Process, showSite: (site: number) => void): HTMLElement {
  const all = process.findings;
  if (all.length > 0)
    return section(
      all.length === 1 ? "One finding" : `${all.length} findings`,
      "Worst first. Certain: it was seen. Likely: every test for it holds. Possible: worth a look.",
      ...all.map((finding) => findingCard(finding, showSite)),
    );
  const lead = process.sampling
    ? "Nothing leaks, grows, fragments or churns here, as far as this run shows."
    : "Nothing was judged: this process has no samples.";
  return section("No findings", lead);
}
