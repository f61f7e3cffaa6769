// tests/web/sample.mjs -- the data of a run as docs/report.md describes it, made up: a service
// whose cache grows, with a child.
// SPDX-License-Identifier: MIT

const KiB = 1024;
const MiB = 1024 * KiB;

// Gathers the strings and frames that sites name by number.
export class Frames {
  strings = [""];
  frames = [];
  string(word) {
    const at = this.strings.indexOf(word);
    return at >= 0 ? at : this.strings.push(word) - 1;
  }
  frame(name, file = "", line = 0, module = "/usr/bin/shop", inlined = 0) {
    const row = [this.string(name), this.string(file), line, this.string(module), inlined];
    const at = this.frames.findIndex((other) => String(other) === String(row));
    return at >= 0 ? at : this.frames.push(row) - 1;
  }
}

export function site(stack, place, live, allocated, more = {}) {
  return {
    stack,
    cut: false,
    place,
    live_bytes: live,
    live_error: Math.round(live / 40),
    live_blocks: Math.round(live / 96),
    allocated_bytes: allocated,
    allocated_blocks: Math.round(allocated / 96),
    remote_blocks: 0,
    peak_bytes: Math.round(live * 1.1),
    at_peak_bytes: live,
    samples: 40,
    lives: [0, 12000, 90000, 30000, 8000, 1500, 600, 200, 40, 10, 0, 0, 0, 0, 0, 0],
    ...more,
  };
}

function sizeClass(block, spans, full, more = {}) {
  const capacity = Math.floor((64 * KiB) / block);
  const live = Math.round(spans * capacity * full);
  return {
    block_bytes: block,
    span_bytes: 64 * KiB,
    spans,
    allocated: live * 20,
    freed: live * 19,
    live,
    live_bytes: live * block,
    internal_waste: Math.round((live * block) / 30),
    free_blocks: spans * capacity - live,
    ...more,
  };
}

// Its pauses lie in four octaves, with one between them that has none.
function collections() {
  const pause = (from, times) => ({ from_seconds: from, to_seconds: from * 1.25, times });
  return {
    heaps: 1,
    opened_seconds: 0.25,
    used: 12 * MiB,
    live: 9 * MiB,
    live_objects: 240000,
    committed: 28 * MiB,
    peak_committed: 31 * MiB,
    promoted: 14 * MiB,
    minor: 118,
    major: 3,
    stopped_seconds: 0.31,
    cpu_seconds: 0.4,
    pause_p50: 0.0021,
    pause_p90: 0.0042,
    pause_p99: 0.0168,
    pause_longest: 0.0201,
    pauses: [
      pause(1.024e-6 * 2 ** 10, 30),
      pause(1.28e-6 * 2 ** 10, 25),
      pause(1.024e-6 * 2 ** 11, 60),
      pause(1.024e-6 * 2 ** 12, 3),
      pause(1.28e-6 * 2 ** 14, 3),
    ],
    utilisation: [
      { window_seconds: 0.001, least: 0, p1: 0.1, p50: 1 },
      { window_seconds: 0.01, least: 0.412, p1: 0.55, p50: 0.97 },
      { window_seconds: 1, least: 0.93, p1: 0.94, p50: 0.98 },
    ],
    last: Array.from({ length: 32 }, (_, i) => ({
      number: 89 + i,
      major: i === 31,
      at_seconds: 20 + 0.4 * i,
      pause_seconds: 0.0021,
      before: 20 * MiB + i,
      after: 12 * MiB + i,
      committed: 28 * MiB,
    })),
  };
}

export function quiet(pid, command) {
  const memory = { resident: 3 * MiB, live: 0, spans_estimated: false };
  return {
    process: {
      pid,
      command,
      lives: false,
      exit: null,
      signal: null,
      wall_seconds: 0.2,
      cpu_seconds: 0.01,
      peak_rss: 4 * MiB,
      final_rss: 3 * MiB,
      live_bytes: 0,
      live_blocks: 0,
      peak_live_bytes: 0,
      on_midden: false,
      final: false,
      unseen_seconds: 0,
    },
    memory,
    activity: {},
    threads: { peak: 1, heaps_open: 0, heaps_peak: 0, heaps_started: 0 },
    large: { allocated: 0, allocated_bytes: 0, live: 0, live_bytes: 0, asked_bytes: 0 },
    classes: [],
    notes: [],
    findings: [],
    crash: null,
    strings: [""],
    frames: [],
    sites: [],
    sampling: null,
    history: null,
    spans: null,
  };
}

function shop() {
  const f = new Frames();
  const libc = "/usr/lib/x86_64-linux-gnu/libc.so.6";
  const cxx = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6";
  const json = "/usr/lib/x86_64-linux-gnu/libjson-c.so.5";
  const base = [
    f.frame("main", "/src/shop/main.cc", 88),
    f.frame("__libc_start_main", "", 0, libc),
    f.frame("_start", "", 0),
  ];
  const loop = [f.frame("Server::run()", "/src/shop/server.cc", 140), ...base];
  const request = [f.frame("Server::handle(Request const&)", "/src/shop/server.cc", 212), ...loop];
  const make = f.frame("operator new(unsigned long)", "", 0, cxx);
  const put = f.frame("SessionCache::put(std::string, Session)", "/src/shop/cache.cc", 47);
  const insert = f.frame(
    "std::map<std::string, Session>::emplace",
    "/usr/include/c++/12/bits/stl_map.h",
    600,
    "/usr/bin/shop",
    1,
  );
  const listen = f.frame(
    "Events::subscribe(std::function<void (Event const&)>)",
    "/src/shop/events.cc",
    31,
  );
  const parse = f.frame("Request::parse(char const*, unsigned long)", "/src/shop/request.cc", 93);
  const render = f.frame("Page::render(Template const&)", "/src/shop/page.cc", 155);
  const append = f.frame(
    "std::string::append(char const*)",
    "/usr/include/c++/12/bits/basic_string.h",
    1450,
    "/usr/bin/shop",
    1,
  );
  const tree = f.frame("json_tokener_parse_ex", "", 0, json);
  const object = f.frame("json_object_new_object", "", 0, json);
  const catalog = f.frame("Catalog::load(char const*)", "/src/shop/catalog.cc", 64);
  const product = f.frame("Product::Product(json_object*)", "/src/shop/catalog.cc", 29);
  const index = f.frame("Index::build(Catalog const&)", "/src/shop/index.cc", 77);
  const log = f.frame("Log::line(char const*, ...)", "/src/shop/log.cc", 18);
  const sites = [
    site([make, insert, put, ...request], 2, 148 * MiB, 160 * MiB, {
      samples: 340,
      peak_bytes: 148 * MiB,
      at_peak_bytes: 141 * MiB,
    }),
    site([product, catalog, ...base], 0, 64 * MiB, 64 * MiB, { samples: 160 }),
    site([index, catalog, ...base], 0, 33 * MiB, 51 * MiB, { samples: 80 }),
    site([make, listen, ...request], 1, 21 * MiB, 21 * MiB, { samples: 61 }),
    site([object, tree, catalog, ...base], 2, 11 * MiB, 90 * MiB, { samples: 44 }),
    site([append, render, ...request], 1, 3 * MiB, 2900 * MiB, {
      samples: 7100,
      at_peak_bytes: 44 * MiB,
    }),
    site([object, tree, parse, ...request], 2, 1.5 * MiB, 1700 * MiB, { samples: 3900 }),
    site([append, parse, ...request], 1, 0.7 * MiB, 960 * MiB, { samples: 2100 }),
    site([make, log, ...request], 1, 0.2 * MiB, 310 * MiB, { samples: 700 }),
    site([make, log, ...loop], 1, 60 * KiB, 30 * MiB, { samples: 90 }),
  ];
  for (const s of sites)
    for (const key of Object.keys(s)) if (typeof s[key] === "number") s[key] = Math.round(s[key]);
  const frames = (i) =>
    sites[i].stack.map((at) => {
      const [name, file, line, module, inlined] = f.frames[at];
      return {
        function: f.strings[name],
        file: f.strings[file] || null,
        line: line || null,
        module: f.strings[module] || null,
        inlined: inlined === 1,
      };
    });
  const finding = (i, kind, confidence, what, why, advice) => {
    const place = frames(i)[sites[i].place];
    return {
      kind,
      confidence,
      function: place.function,
      file: place.file,
      line: place.line,
      stack: frames(i),
      bytes: sites[i].live_bytes,
      blocks: sites[i].live_blocks,
      what,
      why,
      advice,
      held_by: [],
      retained: null,
      site: i,
    };
  };
  const seconds = Array.from({ length: 240 }, (_, t) => t * 2.5);
  const wave = (t, a, b) => Math.round(a * (1 + b * Math.sin(t / 5) + 0.4 * b * Math.sin(t * 1.7)));
  const cache = seconds.map((s) => Math.round((148 * MiB * s) / 600));
  const listeners = seconds.map((s) => Math.round((21 * MiB * s) / 600));
  const load = (all) => seconds.map((s) => Math.round(all * Math.min(1, s / 25)));
  const busy = seconds.map((_, t) => wave(t, 14 * MiB, 0.4));
  const parts = [cache, load(64 * MiB), load(33 * MiB), listeners, load(11 * MiB)];
  const live = seconds.map((_, t) => parts.reduce((sum, p) => sum + p[t], 0) + busy[t] + 6 * MiB);
  const resident = live.map((bytes, t) =>
    Math.round(Math.max(bytes, live[Math.max(0, t - 3)]) * 1.09 + 9 * MiB),
  );
  const last = live.length - 1;
  const classes = [
    sizeClass(16, 14, 0.93),
    sizeClass(32, 60, 0.88),
    sizeClass(48, 210, 0.97),
    sizeClass(64, 300, 0.62),
    sizeClass(96, 1800, 0.98),
    sizeClass(192, 420, 0.31),
    sizeClass(512, 130, 0.85),
    sizeClass(1536, 40, 0.2),
    sizeClass(6144, 22, 0.4),
  ];
  return {
    process: {
      pid: 4711,
      command: "/usr/bin/shop --port 7000 --catalog /srv/shop/catalog.json",
      lives: false,
      exit: 0,
      signal: null,
      wall_seconds: 601.3,
      cpu_seconds: 388.2,
      peak_rss: Math.max(...resident),
      final_rss: resident[last],
      live_bytes: live[last],
      live_blocks: 1740233,
      peak_live_bytes: Math.max(...live),
      on_midden: true,
      final: true,
      unseen_seconds: 0,
    },
    memory: {
      resident: resident[last],
      live: live[last],
      live_asked: live[last] - 9 * MiB,
      internal_waste: 9 * MiB,
      free_blocks: 17 * MiB,
      uncarved: 2 * MiB,
      dirty: 3 * MiB,
      untouched: 1 * MiB,
      metadata: 1.2 * MiB,
      outside: resident[last] - live[last] - 22.2 * MiB,
      span_resident: 0,
      huge: 64 * MiB,
      swapped: 0,
      dirty_bound: 40 * MiB,
      purged: 900 * MiB,
      retouched: 80 * MiB,
      mapped: 448 * MiB,
      used: 320 * MiB,
      peak_committed: 340 * MiB,
      limit: 0,
      spans_estimated: true,
    },
    activity: {
      allocations: 61234567,
      frees: 59494334,
      remote_frees: 2400311,
      requests: 4080,
      requests_per_second: 1.125,
      blocks_per_request: 24.4,
      bytes_per_request: 1536.2,
      refused: 0,
      allocations_per_second: 101837,
      peak_allocations_per_second: 244100,
      frees_per_second: 98942,
      remote_free_share: 0.04,
    },
    threads: { peak: 9, heaps_open: 8, heaps_peak: 8, heaps_started: 12 },
    large: {
      allocated: 190,
      allocated_bytes: 900 * MiB,
      live: 6,
      live_bytes: 24 * MiB,
      asked_bytes: 23 * MiB,
    },
    classes,
    collections: collections(),
    notes: ["/usr/bin/shop links libjemalloc.so.2; its calls by the standard names go to Midden"],
    findings: [
      {
        ...finding(
          0,
          "growing",
          "certain",
          "148 MiB in 1.6 M blocks live, 14.8 MiB more each minute, in step with requests.",
          "it rose in 23 of 24 windows, while all others levelled off; 340 live samples",
          "Bound the cache: SessionCache::put only ever inserts; drop the oldest sessions.",
        ),
        held_by: [
          "global sessions in shop",
          "main (main.cc:12)",
          "...",
          "SessionCache::put (cache.cc:47)",
        ],
        retained: 151 * MiB,
      },
      finding(
        3,
        "growing",
        "likely",
        "21.0 MiB in 229,000 blocks live, 2.1 MiB more each minute.",
        "it rose in 22 of 24 windows; 61 live samples, from all of the run",
        "Remove the listener when its session ends: none is ever taken out.",
      ),
      finding(
        5,
        "temporary",
        "likely",
        "2.8 GiB in 31 M blocks, freed by the same thread within 100 µs.",
        "7,100 samples, of which 99.2 % lived less than 100 µs",
        "Reserve the page's size once, or render into a buffer that each thread keeps.",
      ),
      {
        ...finding(
          1,
          "fragmented",
          "possible",
          "17.0 MiB free between 192-byte blocks: 289 spans are held by a third of their blocks.",
          "three windows in a row; sites of the survivors are known for 40 of 61 samples",
          "Allocate what lives long before what lives shortly, or from a pool of its own.",
        ),
        function: null,
        file: null,
        line: null,
        stack: [],
        site: null,
      },
    ],
    crash: null,
    strings: f.strings,
    frames: f.frames,
    sites,
    sampling: { mean: 512 * KiB, taken: 14200, lost: 0, seconds: 1.9 },
    history: {
      seconds,
      resident,
      live,
      lines: parts.map((bytes, site) => ({ site: [0, 1, 2, 3, 4][site], bytes })),
    },
    spans: classes.map((k, i) => ({
      block_bytes: k.block_bytes,
      live_blocks: Array.from({ length: k.spans }, (_, n) =>
        Math.max(
          0,
          Math.min(
            Math.floor(k.span_bytes / k.block_bytes),
            Math.round((k.live / k.spans) * (0.4 + (1.2 * ((n * 37 + i) % 101)) / 100)),
          ),
        ),
      ),
    })),
  };
}

export function sample() {
  return {
    format: "midden-report",
    version: 1,
    midden: "0.1.0",
    made: "2026-11-21T22:47:25Z",
    processes: [shop(), quiet(4720, "sh -c gzip -9 </srv/shop/access.log")],
  };
}
