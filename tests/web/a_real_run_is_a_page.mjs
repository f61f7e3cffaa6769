// tests/web/a_real_run_is_a_page.mjs -- what `midden run --report` and `midden report PID` write
// opens from disk and shows what --json says.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { digits, midden, nothingWrong, open, place } from "./lib.mjs";

const python = "/usr/bin/python3.11";
const program =
  "import subprocess, sys; x = [bytes(i % 3000) for i in range(50000)]; " +
  "subprocess.run([sys.executable, '-c', '1'])";
const exactly = (page, name) => page.locator(".tile", { hasText: name }).getAttribute("title");

test("the page of a run shows what its JSON says", async () => {
  midden(
    "run",
    "--quiet",
    "--report",
    "run.html",
    "--json",
    "run.json",
    "--",
    python,
    "-c",
    program,
  );
  const told = JSON.parse(fs.readFileSync(path.join(place, "run.json"), "utf8"));
  const page = await open(path.join(place, "run.html"));
  const first = told[0].process;
  assert.equal(await page.locator("h1").innerText(), "python3.11");
  assert.equal(digits(await exactly(page, "Peak RSS")), first.peak_rss);
  assert.equal(digits(await exactly(page, "RSS at the end")), first.final_rss);
  assert.equal(digits(await exactly(page, "Live at the end")), first.live_bytes);
  assert.match(await page.locator(".ending").innerText(), /exit status 0/);
  assert.equal(
    await page.getByRole("region", { name: "Processes" }).locator("tbody tr").count(),
    told.length,
  );
  nothingWrong(page);
});

test("the page of a process that runs", async () => {
  const child = spawn(
    process.env.MIDDEN,
    ["run", "--quiet", "--", python, "-c", "import time; print(1, flush=True); time.sleep(60)"],
    { cwd: place },
  );
  try {
    await new Promise((ready) => child.stdout.once("data", ready));
    const pid = fs
      .readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")
      .trim()
      .split(" ")[0];
    midden("report", pid);
    const page = await open(path.join(place, `python3.11.${pid}.html`));
    assert.match(
      await page.locator(".ending").innerText(),
      new RegExp(`process ${pid}, still runs`),
    );
    assert.ok(digits(await exactly(page, "Live now")) > 0);
    nothingWrong(page);
  } finally {
    child.kill("SIGTERM");
  }
});
