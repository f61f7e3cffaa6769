// web/report/src/flame.ts -- the flame graph: boxes as wide as the bytes under them, callers above
// what they call.
// SPDX-License-Identifier: MIT
//
// The boxes are elements, so that the browser gives each a name, focus and a place for a finger.
// Only those at least a pixel wide are made, so a graph of ten thousand stacks is a few thousand.
import { type Process, frameOf } from "./data";
import { h } from "./dom";
import { type StackNode, findPath, matcher, ownBytes, pathOf } from "./stacks";
import { basename, brief, exactSize, share, size, whereabouts } from "./words";

const ROW = 22; // pixels from one row to the next

// Where code comes from is shown by hue, and named in the line below the graph.
const hues = 6;

export class Flame {
  readonly element: HTMLElement;
  private readonly boxes = h("div", { class: "flame", role: "tree", "aria-label": "Flame graph" });
  private readonly about = h("div", { class: "about", "aria-live": "off" });
  private readonly legend = h("ul", {
    class: "legend",
    "aria-label": "Colours of the flame graph",
  });
  private root: StackNode;
  private zoomed: StackNode;
  private focused: StackNode;
  private matches: (frame: number) => boolean = () => false;
  private searching = false;
  private shown = new Map<StackNode, HTMLElement>();
  private nodes = new WeakMap<Element, StackNode>();
  private hue = new Map<string, number>();

  constructor(
    private readonly process: Process,
    root: StackNode,
    private readonly zoomChanged: (path: string) => void,
  ) {
    this.root = this.zoomed = this.focused = root;
    this.element = h("div", { class: "flame-box" }, this.boxes, this.about, this.legend);
    this.boxes.addEventListener("click", (e) => this.zoom(this.nodeAt(e)));
    this.boxes.addEventListener("keydown", (e) => this.key(e));
    this.boxes.addEventListener("pointerover", (e) => this.tell(this.nodeAt(e) ?? this.focused));
    this.boxes.addEventListener("pointerleave", () => this.tell(this.focused));
    this.boxes.addEventListener("focusin", (e) => this.tell(this.nodeAt(e) ?? this.focused));
    new ResizeObserver(() => this.draw()).observe(this.boxes);
    this.colour();
  }

  show(root: StackNode, path: string): void {
    this.root = root;
    this.zoomed = this.focused = findPath(root, path);
    this.draw();
  }

  search(words: string): void {
    this.matches = matcher(this.process, words);
    this.searching = words.trim() !== "";
    for (const [node, box] of this.shown) this.mark(node, box);
  }

  zoom(node: StackNode | null): void {
    if (node === null) return;
    const hadFocus = this.boxes.contains(document.activeElement);
    this.zoomed = this.focused = node;
    this.zoomChanged(pathOf(node));
    this.draw();
    if (hadFocus) this.focus(node);
  }

  reset(): void {
    this.zoom(this.root);
  }

  private nodeAt(e: Event): StackNode | null {
    const box = e.target instanceof Element ? e.target.closest(".frame") : null;
    return (box && this.nodes.get(box)) ?? null;
  }

  // ---- drawing

  private draw(): void {
    const width = this.boxes.clientWidth;
    if (width === 0) return;
    const before = this.shown;
    this.shown = new Map();
    let rows = 0;
    const place = (node: StackNode, left: number, wide: number) => {
      rows = Math.max(rows, node.depth + 1);
      this.box(node, before.get(node), left, wide);
    };
    const below = (node: StackNode, left: number, scale: number) => {
      place(node, left, node === this.zoomed ? width : node.bytes * scale);
      let x = left;
      for (const child of node.children) {
        if (child.bytes * scale < 1) break; // the rest is smaller still
        below(child, x, scale);
        x += child.bytes * scale;
      }
    };
    for (let at = this.zoomed.parent; at; at = at.parent) place(at, 0, width);
    below(this.zoomed, 0, width / Math.max(this.zoomed.bytes, 1));
    for (const [node, box] of before) if (!this.shown.has(node)) box.remove();
    this.boxes.append(...[...this.shown.values()].filter((box) => !box.isConnected));
    this.boxes.style.height = `${rows * ROW}px`;
    this.tell(this.focused);
  }

  private box(node: StackNode, old: HTMLElement | undefined, left: number, wide: number): void {
    const box = old ?? this.make(node);
    box.style.transform = `translate(${left.toFixed(1)}px, ${node.depth * ROW}px)`;
    box.style.width = `${Math.max(wide - 1, 1).toFixed(1)}px`;
    box.classList.toggle("above", node.depth < this.zoomed.depth);
    box.tabIndex = node === this.focused ? 0 : -1;
    box.firstElementChild?.classList.toggle("no-room", wide < 28);
    this.mark(node, box);
    this.shown.set(node, box);
  }

  private make(node: StackNode): HTMLElement {
    const name = this.nameOf(node);
    const label = `${name}, ${size(node.bytes)}, ${share(node.bytes, this.root.bytes)}`;
    const box = h(
      "div",
      {
        class: "frame",
        role: "treeitem",
        "aria-level": node.depth + 1,
        "aria-expanded": node.children.length > 0 ? "true" : null,
        "aria-label": label,
      },
      h("span", {}, brief(name)),
    );
    box.dataset["hue"] = node.frame < 0 ? "root" : String(this.hueOf(node));
    this.nodes.set(box, node);
    return box;
  }

  private mark(node: StackNode, box: HTMLElement): void {
    const hit = this.searching && node.frame >= 0 && this.matches(node.frame);
    box.classList.toggle("match", hit);
    box.classList.toggle("dim", this.searching && !hit);
  }

  private nameOf(node: StackNode): string {
    return node.frame < 0 ? "all" : frameOf(this.process, node.frame).function;
  }

  // ---- colours: the modules with most bytes at their innermost frames get a hue of their own

  private colour(): void {
    const bytes = new Map<string, number>();
    for (const site of this.process.sites)
      for (const at of site.stack) {
        const module = frameOf(this.process, at).module ?? "";
        bytes.set(module, (bytes.get(module) ?? 0) + site.live_bytes + site.allocated_bytes / 1e3);
      }
    const modules = [...bytes].sort((a, b) => b[1] - a[1]).map(([module]) => module);
    modules.forEach((module, i) => this.hue.set(module, Math.min(i, hues - 1)));
    const shown = modules.slice(0, modules.length > hues ? hues - 1 : hues);
    const row = (hue: number, words: string) =>
      h("li", {}, h("span", { class: "swatch", "data-hue": hue }), words);
    this.legend.append(
      ...shown.map((m, i) => row(i, m === "" ? "code without a file" : basename(m))),
    );
    if (modules.length > hues)
      this.legend.append(row(hues - 1, `${modules.length - hues + 1} others`));
  }

  private hueOf(node: StackNode): number {
    return this.hue.get(frameOf(this.process, node.frame).module ?? "") ?? hues - 1;
  }

  // ---- the line below

  private tell(node: StackNode): void {
    const frame = frameOf(this.process, node.frame);
    const own = ownBytes(node);
    const facts = [
      `${size(node.bytes)} (${exactSize(node.bytes)})`,
      `${share(node.bytes, this.root.bytes)} of all`,
      own > 0 && node.frame >= 0 ? `${size(own)} its own` : "",
      node.frame < 0 ? "" : whereabouts(frame),
      node.frame < 0 || frame.file === null ? "" : basename(frame.module ?? ""),
    ];
    this.about.replaceChildren(
      h("strong", {}, this.nameOf(node)),
      h("span", {}, facts.filter((s) => s !== "").join("  ·  ")),
    );
  }

  // ---- keys

  private focus(node: StackNode): void {
    const box = this.shown.get(node);
    if (box === undefined) return;
    const old = this.shown.get(this.focused);
    if (old) old.tabIndex = -1;
    this.focused = node;
    box.tabIndex = 0;
    box.focus({ preventScroll: false });
  }

  private key(e: KeyboardEvent): void {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const node = this.focused;
    const moves: Record<string, () => void> = {
      ArrowUp: () => node.parent && this.focus(node.parent),
      ArrowDown: () => node.children[0] && this.focus(node.children[0]),
      ArrowLeft: () => this.focus(this.beside(node, -1)),
      ArrowRight: () => this.focus(this.beside(node, 1)),
      Home: () => this.focus(this.root),
      Enter: () => this.zoom(node),
      " ": () => this.zoom(node),
      Escape: () => this.reset(),
      Backspace: () => this.zoom(this.zoomed.parent),
    };
    const move = moves[e.key];
    if (move === undefined) return;
    e.preventDefault();
    move();
  }

  // The next box in the same row; the same one where there is none.
  private beside(node: StackNode, step: number): StackNode {
    const row = [...this.shown.keys()].filter((other) => other.depth === node.depth);
    return row[row.indexOf(node) + step] ?? node;
  }
}
