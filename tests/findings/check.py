#!/usr/bin/python3.11
# tests/findings/check.py -- what is planted in a program is found, and nothing in its mended twin.
# SPDX-License-Identifier: MIT
"""check.py FILE...: build each program in every variant, run it by `midden run --json`, and hold what
is found against the head of its file:

    expect: KINDS CONFIDENCE FUNCTIONS [blocks LEAST-MOST]   with | between alternatives; CONFIDENCE
                       is the least that will do; FUNCTIONS `-`: any place; else the finding must
                       name one of them, and a line that bears the comment HERE
    expect: crash SIGNAL WORDS   the sentence of the crash has one of these words
    expect: nothing    a clean program, which has no twin
    mended: KINDS      what may be found in the twin, which is the same file with -DMENDED; usually
                       nothing more than `possible`
    build: FLAGS       for the compiler
    run: OPTIONS       of `midden run`
    ends: SIGNAL       how the program ends, when not with status 0
    plugin: yes        the file is also a shared object, with -DPLUGIN, whose path is the argument
    variants: NAMES    of those below; else all

--memcheck instead asks Valgrind's memcheck whether what is planted as leaked is so, and whether
what is not is not.  The environment names MIDDEN; CC and CXX where they are not gcc and g++."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
CONFIDENCE = ["possible", "likely", "certain"]
HEAD = re.compile(r"// (expect|mended|build|run|ends|plugin|variants): (.*)")
RUN_SECONDS = 60


@dataclass(frozen=True)
class Variant:
    """How a program is built, and what can be named then."""
    flags: str
    lines: bool = True      # from debugging information
    functions: bool = True  # from that or a symbol table
    strip: str = ""


VARIANTS = {
    "plain": Variant("-O0 -g -fno-omit-frame-pointer"),
    "inlined": Variant("-O2 -g -DINLINED -fomit-frame-pointer"),
    "separate": Variant("-O2 -g -fomit-frame-pointer", strip="separate"),
    "symbols": Variant("-O2 -fno-omit-frame-pointer", lines=False),
    "stripped": Variant("-O2 -fomit-frame-pointer", lines=False, functions=False, strip="all"),
}


class Wrong(Exception):
    """What is not as it should be, in a sentence."""


@dataclass
class Program:
    path: pathlib.Path
    head: dict
    lines: list = field(default_factory=list)  # that bear HERE

    def get(self, key):
        return self.head.get(key, "")

    def variants(self):
        return self.get("variants").split() or list(VARIANTS)

    def twins(self):
        return (False,) if self.get("expect") == "nothing" else (False, True)


def read_program(path):
    text = path.read_text().splitlines()
    head = dict(match.groups() for match in map(HEAD.fullmatch, text) if match)
    if "expect" not in head:
        raise Wrong("its head does not say what to expect")
    return Program(path, head, [i for i, line in enumerate(text, 1) if line.endswith("// HERE")])


# ---- building and running ------------------------------------------------------------------------


def call(words, **how):
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, **how)
    if done.returncode != 0:
        raise Wrong(f"{words[0]} failed: {done.stderr}")


def strip(file, how):
    if how == "separate":
        call(["objcopy", "--only-keep-debug", file, f"{file}.debug"])
        call(["objcopy", "--strip-all", f"--add-gnu-debuglink={file}.debug", file])
    elif how == "all":
        call(["strip", file])


def build(program, variant, mended, place):
    """The program's command, built in `place`."""
    cxx = program.path.suffix == ".cc"
    compiler = os.environ.get("CXX", "g++") if cxx else os.environ.get("CC", "gcc")
    flags = [*variant.flags.split(), "-std=gnu++17" if cxx else "-std=gnu11", "-w",
             *(["-DMENDED"] if mended else []), *program.get("build").split()]
    command = [place / program.path.stem]
    call([compiler, *flags, program.path, "-o", command[0]])
    if program.get("plugin"):
        command.append(place / "plugin.so")
        call([compiler, *flags, "-DPLUGIN", "-shared", "-fPIC", program.path, "-o", command[1]])
    for file in command:
        strip(file, variant.strip)
    return command


def ending(program, mended):
    """The status that subprocess reports of a run that ended as it should."""
    name = program.get("ends")
    if program.get("expect").startswith("crash "):
        name = program.get("expect").split()[1]
    crashes = program.get("run") == "--diagnose-crash"
    return -getattr(signal, name) if name and not (crashes and mended) else 0


def told(words, options, place, status=0):
    """What `midden run --json` says of each process of the command `words`."""
    out = place / "out.json"
    environment = {**os.environ, "HOME": str(place), "XDG_RUNTIME_DIR": str(place),
                   "XDG_STATE_HOME": str(place), "LC_ALL": "C.UTF-8"}
    midden = os.environ.get("MIDDEN", HERE.parents[1] / "build/release/midden")
    words = [midden, "run", "--quiet", "--json", out, *options, "--", *words]
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True,
                          env=environment, cwd=place, timeout=RUN_SECONDS)
    if done.returncode != status:
        raise Wrong(f"it ended with {done.returncode}: {done.stderr}")
    return json.loads(out.read_text())


# ---- judging -------------------------------------------------------------------------------------


def bare(function):
    """The name without arguments, as C++ writes it: a::b<c>(d) is a::b."""
    return re.sub(r"<[^<>]*>", "", re.sub(r"\(.*", "", function or ""))


def sentence(finding):
    place = f"{finding.get('function')} at {finding.get('file')}:{finding.get('line')}"
    return (f"{finding['kind']} {finding['confidence']} in {place}, {finding.get('blocks')} blocks,"
            f" {finding.get('bytes')} bytes")


def at_least(finding, confidence):
    return CONFIDENCE.index(finding["confidence"]) >= CONFIDENCE.index(confidence)


def is_it(program, variant, finding):
    """Whether the finding is what the program's head expects."""
    kinds, confidence, functions, *more = program.get("expect").split()
    if finding["kind"] not in kinds.split("|") or not at_least(finding, confidence):
        return False
    if more:
        least, most = map(int, more[1].split("-"))
        if not least <= finding["blocks"] <= most:
            return False
    if functions == "-":
        return True
    if variant.functions and bare(finding["function"]) not in functions.split("|"):
        return False
    return not variant.lines or (finding["line"] in program.lines
                                 and pathlib.Path(finding["file"]).name == program.path.name)


def judge_planted(program, variant, processes):
    expect = program.get("expect")
    if expect.startswith("crash "):
        _, name, words = expect.split(" ", 2)
        crashes = [process["crash"] for process in processes if process.get("crash")]
        for crash in crashes:
            if (name in str(crash["signal"]) or crash["signal"] == getattr(signal, name)) and any(
                    word in crash["sentence"] for word in words.split("|")):
                return
        raise Wrong(f"not told: {expect}; what was told: {crashes}")
    findings = [finding for process in processes for finding in process["findings"]]
    if not any(is_it(program, variant, finding) for finding in findings):
        raise Wrong(f"not found: {expect}, lines {program.lines}; what was found: "
                    + ("; ".join(map(sentence, findings)) or "nothing"))


def judge_clean(program, processes):
    allowed = program.get("mended").split()
    false = [sentence(finding) for process in processes for finding in process["findings"]
             if at_least(finding, "likely") and finding["kind"] not in allowed]
    false += [f"a crash: {process['crash']}" for process in processes if process.get("crash")]
    if false:
        raise Wrong("found where there is nothing: " + "; ".join(false))


def check(program, name, mended):
    variant = VARIANTS[name]
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        command = build(program, variant, mended, place)
        found = told(command, program.get("run").split(), place, ending(program, mended))
    if mended or program.get("expect") == "nothing":
        judge_clean(program, found)
    else:
        judge_planted(program, variant, found)


# ---- memcheck ------------------------------------------------------------------------------------


def memcheck(program, name, mended):
    """What memcheck calls definitely lost is what is planted as leaked, and nothing else is."""
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        command = build(program, VARIANTS[name], mended, place)
        done = subprocess.run(["valgrind", "--leak-check=full", "--keep-debuginfo=yes",
                               "--show-leak-kinds=definite", *map(str, command)],
                              text=True, capture_output=True, errors="replace")
    lost = [loss for loss in re.split(r"\n==\d+== \n", done.stderr) if "definitely lost in" in loss]
    leaks = program.get("expect").startswith("leaked ") and not mended
    place = re.compile("|".join(fr"{program.path.name}:{line}\)" for line in program.lines) or "$^")
    if leaks and not lost:
        raise Wrong(f"memcheck does not find what is planted: {done.stderr}")
    for loss in lost:
        if not leaks or not place.search(loss):
            raise Wrong(f"memcheck finds a leak where none should be: {loss}")


# ---- the command ---------------------------------------------------------------------------------


def main():
    words = sys.argv[1:]
    by_memcheck = "--memcheck" in words
    wrong = 0
    for file in (word for word in words if word != "--memcheck"):
        program = read_program(pathlib.Path(file).resolve())
        for name in ["plain", "inlined"] if by_memcheck else program.variants():
            for mended in program.twins():
                try:
                    (memcheck if by_memcheck else check)(program, name, mended)
                except Wrong as why:
                    wrong += 1
                    twin = ", mended" if mended else ""
                    print(f"{program.path.name} ({name}{twin}): {why}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
