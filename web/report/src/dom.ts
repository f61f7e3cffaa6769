// web/report/src/dom.ts -- making elements.  Text is always set as text, never parsed.
// SPDX-License-Identifier: MIT

type Child = Node | string | null | undefined | false;
type Attributes = Record<
  string,
  string | number | boolean | null | undefined | ((e: never) => void)
>;

function put(element: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function")
      element.addEventListener(name, value as unknown as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child) element.append(child);
}

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  put(element, attributes, children);
  return element;
}

export function svg(name: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  put(element, attributes, children);
  return element;
}

let ids = 0;
export function newId(word: string): string {
  return `${word}-${++ids}`;
}

// A part of the page, with a heading that names it for those who jump from one to the next.
export function section(title: string, lead: string, ...children: Child[]): HTMLElement {
  const id = newId("heading");
  return h(
    "section",
    { class: "card", "aria-labelledby": id },
    h("h2", { id }, title),
    lead !== "" && h("p", { class: "lead" }, lead),
    ...children,
  );
}

// Buttons of which one is pressed.
export function choice(
  label: string,
  options: [key: string, words: string][],
  chosen: string,
  choose: (key: string) => void,
): HTMLElement {
  const group = h("div", { class: "choice", role: "group", "aria-label": label });
  for (const [key, words] of options) {
    const press = () => {
      for (const b of group.querySelectorAll("button"))
        b.setAttribute("aria-pressed", String(b.dataset["key"] === key));
      choose(key);
    };
    group.append(
      h(
        "button",
        { type: "button", "data-key": key, "aria-pressed": String(key === chosen), click: press },
        words,
      ),
    );
  }
  return group;
}

// What takes room or time to make is made when it is first opened.
export function folded(summary: Child, make: () => Child[], open = false): HTMLDetailsElement {
  let made = false;
  const body = h("div", { class: "folded" });
  const details = h("details", {}, h("summary", {}, summary), body);
  const fill = () => {
    if (made) return;
    made = true;
    for (const child of make()) if (child) body.append(child);
  };
  // A click fills it before it opens; who searches the page opens it without one.
  details.addEventListener("click", fill);
  details.addEventListener("toggle", fill);
  details.open = open;
  if (open) fill();
  return details;
}

// A table may be wider than a phone: it scrolls by itself, and then takes the focus.
export function tableBox(table: HTMLTableElement, label: string): HTMLElement {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}

export function stillness(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
