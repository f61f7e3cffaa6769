// trace/reader.h -- read a trace: each thread's events, or all of them in one order.
// SPDX-License-Identifier: MIT
//
// A trace is read frame by frame; a frame is about a second, or 256 Ki events.  In a frame the
// events of a thread are in the order in which it did them.  The one order of all events is by
// tick, and by thread and process where ticks are equal: a trace is written so that this order has
// every cause before its effect, and frames follow each other in it.
//
// Nothing in a file is believed: what is damaged ends the reading with a sentence that says where,
// and what was read before it stands.
#ifndef MID_TRACE_READER_H
#define MID_TRACE_READER_H

#include <stddef.h>

#include "trace/event.h"

struct mid_trace;

struct mid_trace_process {
  uint64_t pid, parent;
  const char *command;
};

struct mid_trace_site {
  uint32_t caller;     // the stack that called this one; 0: not known
  const char *module;  // path of the file; "" when only the address is known
  struct mid_trace_id id;
  uint64_t offset;  // into the file, of the return address
};

// The events of one thread in the frame at hand.
struct mid_trace_thread {
  uint32_t process, thread;
  uint64_t born;  // how many it had allocated before
  const struct mid_trace_event *event;
  size_t events;
};

// Open file `path`; NULL, and *why a sentence, when it is no trace.  Errors of the system are in
// it too.
struct mid_trace *mid_trace_open(const char *path, const char **why);
// The same for `size` bytes in memory, which stay the caller's.
struct mid_trace *mid_trace_parse(const void *bytes, size_t size, const char **why);
void mid_trace_close(struct mid_trace *t);

// Go to the next frame with events; false at the end or where damage begins.
bool mid_trace_next(struct mid_trace *t);
// Go back to where the first frame is next; or, where the file has a whole end, to where the first
// frame is that has events at or after `tick`.
void mid_trace_rewind(struct mid_trace *t, uint64_t tick);

// In the frame at hand: the threads that have events, and all events in the one order.
size_t mid_trace_threads(const struct mid_trace *t);
const struct mid_trace_thread *mid_trace_thread_at(const struct mid_trace *t, size_t i);
const struct mid_trace_event *const *mid_trace_in_order(struct mid_trace *t, size_t *count);
// Events that were lost in it.
uint64_t mid_trace_lost(const struct mid_trace *t);

// Of what was read so far, or of all where the file has a whole end.  Numbers begin with 1; one
// that is not known gives zeros and "".
uint32_t mid_trace_processes(const struct mid_trace *t);
struct mid_trace_process mid_trace_process(const struct mid_trace *t, uint32_t number);
struct mid_trace_site mid_trace_site(const struct mid_trace *t, uint32_t stack);

// How many frames there are, if the end is whole; how many bytes the file has.
bool mid_trace_is_whole(const struct mid_trace *t);
uint64_t mid_trace_size(const struct mid_trace *t);
// Why reading ended before the file did: a sentence with the place; NULL when it did not.
const char *mid_trace_damage(const struct mid_trace *t);

#endif
