// observe/perf_map.h -- names of code that a JIT compiler made, from its perf-PID.map.
// SPDX-License-Identifier: MIT
//
// Such a file is in /tmp as the process sees it, a line `START SIZE NAME` for each function, in
// hex. Of two that overlap the later line is the newer code.  It may be damaged or another's: it is
// read as words, and only where it belongs to this user.
#ifndef MID_OBSERVE_PERF_MAP_H
#define MID_OBSERVE_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

struct mid_perf_map;

// The map of process `pid` as it is now; one without functions where there is no file.
struct mid_perf_map *mid_perf_map_open(int64_t pid);
// The same from `bytes` in memory.
struct mid_perf_map *mid_perf_map_parse(const char *at, size_t bytes);
void mid_perf_map_close(struct mid_perf_map *map);

// The function at `address`; NULL: none is known.  Valid until the map is closed.
const char *mid_perf_map_find(const struct mid_perf_map *map, uint64_t address);

#endif
