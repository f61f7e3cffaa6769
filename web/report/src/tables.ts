// web/report/src/tables.ts -- tables that are sorted by a click on a heading, and long ones cut
// until all is asked for.
// SPDX-License-Identifier: MIT
import { h, tableBox } from "./dom";
import { exact } from "./words";

export interface Column<Row> {
  title: string;
  number?: boolean; // aligned to the right, sorted from the largest
  drawn?: boolean; // what it shows is wide, and the words of the row say it too
  value: (row: Row) => number | string; // to sort by
  show: (row: Row) => Node | string;
  exactly?: (row: Row) => string; // on hovering
}

const FIRST_ROWS = 40;

export function sortedTable<Row>(
  label: string,
  columns: Column<Row>[],
  rows: Row[],
  sortAt: number,
  firstRows = FIRST_ROWS,
): HTMLElement {
  let by = sortAt;
  let falling = columns[by]?.number === true;
  let all = rows.length <= firstRows;
  const body = h("tbody");
  const heads = columns.map((column, i) =>
    h(
      "th",
      { scope: "col", class: column.number && !column.drawn ? "number" : "" },
      h("button", { type: "button", click: () => sort(i) }, column.title),
    ),
  );
  const more = h("button", { type: "button", class: "more", click: () => showAll() });
  more.textContent = `Show all ${exact(rows.length)} rows`;

  function sort(i: number): void {
    falling = i === by ? !falling : columns[i]?.number === true;
    by = i;
    fill();
  }
  function showAll(): void {
    all = true;
    fill();
  }
  function fill(): void {
    const value = columns[by]?.value ?? (() => 0);
    const order = (a: Row, b: Row) => {
      const x = value(a);
      const y = value(b);
      const up =
        typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
      return falling ? -up : up;
    };
    const sorted = [...rows].sort(order);
    heads.forEach((head, i) => {
      head.setAttribute("aria-sort", i !== by ? "none" : falling ? "descending" : "ascending");
    });
    body.replaceChildren(...(all ? sorted : sorted.slice(0, firstRows)).map(rowOf));
    more.hidden = all;
  }
  function rowOf(row: Row): HTMLElement {
    const cells = columns.map((c, i) =>
      h(
        i === 0 ? "th" : "td",
        {
          class: c.drawn ? "drawn" : c.number ? "number" : "",
          scope: i === 0 ? "row" : null,
          title: c.exactly?.(row),
        },
        c.show(row),
      ),
    );
    return h("tr", {}, ...cells);
  }

  fill();
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body);
  return h("div", {}, tableBox(table, label), more);
}
