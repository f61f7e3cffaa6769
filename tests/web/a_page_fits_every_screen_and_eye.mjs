// tests/web/a_page_fits_every_screen_and_eye.mjs -- phones, light and dark, contrast, names, focus.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { nothingWrong, open, pageOf } from "./lib.mjs";
import { sample } from "./sample.mjs";

const file = pageOf(sample());

// In the page: words whose colours are too near to those behind them (WCAG 2.2, 1.4.3).
function tooFaint() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => below.map((c, i) => top[i] * top[3] + c * (1 - top[3]));
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) =>
      c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  for (const element of document.querySelectorAll("#page *")) {
    const words = [...element.childNodes]
      .filter((n) => n.nodeType === 3)
      .map((n) => n.data)
      .join("")
      .trim();
    if (words === "" || !element.checkVisibility({ opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    const below = behind(element);
    const [a, b] = [light(over(rgba(style.color), below)), light(below)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5))
      faint.push(`${ratio.toFixed(2)} ${words.slice(0, 40)} (${element.className})`);
  }
  return faint;
}

for (const colorScheme of ["light", "dark"])
  for (const hash of [
    "",
    "#view=sites",
    "#view=functions&search=json",
    "#search=json",
    "#process=4720",
  ])
    test(`words can be read in ${colorScheme} ${hash}`, async () => {
      const page = await open(file, { hash, colorScheme });
      assert.deepEqual(await page.evaluate(tooFaint), []);
      nothingWrong(page);
    });

test("light is light and dark is dark", async () => {
  const paper = async (colorScheme) =>
    (await open(file, { colorScheme })).evaluate(() =>
      Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0]),
    );
  assert.ok((await paper("light")) > 200);
  assert.ok((await paper("dark")) < 50);
});

for (const hash of [
  "",
  "#view=sites",
  "#view=functions",
  "#process=4720",
  "#measure=allocated&callers=1",
])
  test(`a phone of 360 pixels does not scroll sideways ${hash}`, async () => {
    const page = await open(file, { hash, viewport: { width: 360, height: 640 } });
    for (const fold of await page.locator("summary").all()) await fold.click();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    nothingWrong(page);
  });

test("a chart follows the window", async () => {
  const page = await open(file);
  await page.setViewportSize({ width: 400, height: 700 });
  await page.waitForFunction(() => document.querySelector(".uplot").clientWidth < 400);
  const wide = () =>
    page.evaluate(
      () =>
        document.querySelector(".flame").scrollWidth - document.querySelector(".flame").clientWidth,
    );
  assert.equal(await wide(), 0);
});

test("what can be used has a name, and is reached by Tab with its focus seen", async () => {
  const page = await open(file);
  const nameless = await page
    .locator("button, input, summary, [role], [tabindex='0']")
    .evaluateAll((all) =>
      all
        .filter((e) => (e.getAttribute("aria-label") ?? e.textContent).trim() === "")
        .map((e) => e.outerHTML.slice(0, 80)),
    );
  assert.deepEqual(nameless, []);
  const seen = new Set();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    const [what, outline] = await page.evaluate(() => {
      const e = document.activeElement;
      return [
        `${e.tagName} ${e.className}`,
        e === document.body ? "" : getComputedStyle(e).outlineStyle,
      ];
    });
    if (outline !== "") assert.equal(outline, "solid", what);
    seen.add(what);
  }
  for (const what of ["SUMMARY ", "INPUT ", "DIV frame", "DIV scroll"])
    assert.ok(seen.has(what), `${what} in ${[...seen]}`);
});

test("nothing moves for those who do not want it", async () => {
  const moves = async (reducedMotion) =>
    (await open(file, { reducedMotion }))
      .locator(".frame")
      .first()
      .evaluate((e) => getComputedStyle(e).transitionDuration);
  assert.equal(await moves("reduce"), "0s");
  assert.notEqual(await moves("no-preference"), "0s");
});
