// web/report/src/state.ts -- what is chosen and open, kept in the URL's fragment, so that a link to
// this file shows the same thing.
// SPDX-License-Identifier: MIT

const values = new URLSearchParams(location.hash.slice(1));

export function stateGet(key: string): string | null {
  return values.get(key);
}

// The empty value is the default and is left out.
export function stateSet(key: string, value: string): void {
  if (value === "") values.delete(key);
  else values.set(key, value);
  const words = values.toString();
  history.replaceState(null, "", words === "" ? location.pathname + location.search : `#${words}`);
}
