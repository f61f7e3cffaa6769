// observe/profile.h -- the sites of a process: what its sample file (feed/samples.h) says, summed
// by stack and named.
// SPDX-License-Identifier: MIT
//
//   PID.START.samples --mid_profile_read--> profile: sites, samples, modules
//                                              | mid_profile_name (symbols.h)
//                                              v
//                          findings, report, top, pprof, folded stacks, diff, history
#ifndef MID_OBSERVE_PROFILE_H
#define MID_OBSERVE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed/samples.h"
#include "observe/symbols.h"

struct mid_profile_frame {
  const char *function;  // as its author wrote it; "0x7f.." or "libfoo.so+0x12" when not known
  const char *file;      // path of the source; "" when not known
  unsigned line;         // 0: not known
  const char *module;    // path of the file of code; "" when not known
  bool inlined;          // into the next one
  uint64_t address;  // offset into the module's file of the call, or an address where no module is
};

// A stack that allocates.  Weighted figures are estimates of the truth, in blocks and bytes.
struct mid_profile_site {
  uint32_t stack;       // its number in the process
  const uint64_t *raw;  // `raws` words as in mid_sample_frame, the innermost first
  uint32_t raws;
  bool cut;                         // outer frames are missing
  struct mid_profile_frame *frame;  // NULL until named; the allocator's own frames are left out
  size_t frames;
  size_t place;  // of the frame to blame: the innermost one of the program's own
                 // code, not of the C, C++ or another runtime library
  uint64_t samples, live_samples;
  double allocated, allocated_bytes, live, live_bytes;
  double live_error;  // standard error of live_bytes
  double brief, brief_bytes, remote, remote_bytes, moved, moved_bytes;
  uint64_t longest_moves;
  double lives[MID_SAMPLE_LIVES];
  uint64_t pages_known, pages_touched;
  uint64_t asked_least, asked_most;
  uint64_t rises, falls;  // samples that asked for more, or less, than the one before
  double first, last;     // seconds since the process began to sample
  double peak_live_bytes, peak_at;
};

struct mid_profile_sample {
  uint64_t block, asked, bytes, mean;
  double chance;  // that it was sampled
  double born;    // seconds since the process began to sample
  uint32_t stack, thread, door, moves;
  size_t site;  // its place in `site`
};

struct mid_profile {
  uint64_t pid, start_ticks, mean, mean_wanted, taken, thinned, lost;
  double now;     // seconds since the process began to sample, at the last sample
  double opened;  // when it began, by CLOCK_MONOTONIC, in seconds
  double spent;   // seconds of processor time in the sampler
  double ticks_per_second;
  struct mid_profile_site *site;
  size_t sites;
  struct mid_profile_sample *sample;  // live ones, sorted by address
  size_t samples;
  struct mid_sample_module *module;  // [0] is number 1
  size_t modules;
  uint64_t *word;  // what `raw` points into
  struct mid_profile_names *names;
};

// Read the sample file open at `fd`, whole.  NULL, or a sentence that says what is wrong with it;
// then *out is empty.  The process may be writing: what is torn is left out.
const char *mid_profile_read(int fd, struct mid_profile *out);
// The same from `bytes` in memory.
const char *mid_profile_parse(const char *at, size_t bytes, struct mid_profile *out);
// Of process `pid`, wherever its feed is.
const char *mid_profile_of(int64_t pid, struct mid_profile *out);
void mid_profile_close(struct mid_profile *p);

// Name the frames of a site, once; `s` is kept open by the caller meanwhile.
void mid_profile_name(struct mid_profile *p, struct mid_profile_site *site, struct mid_symbols *s);
void mid_profile_name_all(struct mid_profile *p, struct mid_symbols *s);

// The frame to blame; one of unknown function where the site has no frames.  After naming.
const struct mid_profile_frame *mid_profile_place(const struct mid_profile_site *site);

// The sample of the block at `address`; NULL: it has none.
const struct mid_profile_sample *mid_profile_block(const struct mid_profile *p, uint64_t address);
const struct mid_profile_site *mid_profile_site_of(const struct mid_profile *p, uint32_t stack);

// The same site in two runs has the same key: a hash of its frames' functions, files and modules,
// without addresses, lines and folders.  After naming.
uint64_t mid_profile_key(const struct mid_profile_site *site);

#endif
