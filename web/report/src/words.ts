// web/report/src/words.ts -- figures as a person reads them, and exactly.
// SPDX-License-Identifier: MIT
import type { Frame } from "./data";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

// 1.27 GiB: three significant digits.
export function size(bytes: number): string {
  if (!Number.isFinite(bytes)) return "unknown";
  let value = Math.abs(bytes);
  let unit = 0;
  for (; value >= 1023.5 && unit < units.length - 1; unit++) value /= 1024;
  const sign = bytes < 0 ? "−" : "";
  return `${sign}${unit === 0 ? Math.round(value) : digits(value)} ${units[unit]}`;
}

function digits(value: number): string {
  if (value === 0) return "0";
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

// 64 KiB, 1.5 KiB, 4 µs: without the zeros, for figures that are round by nature.
export function short(words: string): string {
  return words.replace(/(\.\d*?)0+ /, (_, kept: string) => `${kept === "." ? "" : kept} `);
}

export function exact(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

export function exactSize(bytes: number): string {
  return `${exact(bytes)} B`;
}

// 12.3 M
export function count(n: number): string {
  const value = Math.abs(n);
  if (value < 9999.5) return exact(n);
  if (value < 999.5e3) return `${digits(n / 1e3)} k`;
  if (value < 999.5e6) return `${digits(n / 1e6)} M`;
  return `${digits(n / 1e9)} G`;
}

// 0.034, 2.5, 24: of what is counted, on average.
export function mean(n: number): string {
  return n < 9.95 ? String(Number(n.toPrecision(2))) : count(n);
}

export function duration(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds < 0.9995e-3) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${digits(seconds * 1e3)} ms`;
  if (seconds < 99.95) return `${digits(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (n: number) => String(n).padStart(2, "0");
  if (minutes < 100) return `${minutes} min ${two(Math.floor(seconds % 60))} s`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

export function share(part: number, whole: number): string {
  if (whole <= 0 || part === 0) return "0 %";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent.toFixed(percent < 99.95 ? 1 : 0)} %`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${exact(n)} ${Math.round(n) === 1 ? one : many}`;
}

export function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function whereabouts(place: Pick<Frame, "file" | "line" | "module">): string {
  const file = basename(place.file ?? place.module ?? "");
  return place.file !== null && place.line !== null ? `${file}:${place.line}` : file;
}

// What the command writes as a clause stands alone here.
export function sentence(words: string): string {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return whole === "" || /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

// std::map<…>::emplace: what stands in angle brackets is seldom what is looked for, and long.
export function brief(name: string): string {
  const tokens =
    name
      .replaceAll("__cxx11::", "")
      .match(/operator *(?:<<=?|<=>|<=?|>>=?|>=?|->\*?)|->|[<>]|[^<>]/g) ?? [];
  let depth = 0;
  let words = "";
  for (const token of tokens) {
    if (token === ">" && depth > 0) depth--;
    if (depth === 0) words += token;
    if (token === "<" && depth++ === 0) words += "…";
  }
  return depth === 0 ? words : name;
}
