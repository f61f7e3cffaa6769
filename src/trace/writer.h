// trace/writer.h -- write a trace: tables and events in frames that stand for themselves.
// SPDX-License-Identifier: MIT
//
// Events of a process come in any order that has effects after causes; the writer keeps them apart
// by thread, and cuts a frame when there are many or a second is over.  All that it was given is in
// the file when a frame is cut, so who is killed loses a second at most.
#ifndef MID_TRACE_WRITER_H
#define MID_TRACE_WRITER_H

#include <stddef.h>

#include "trace/event.h"

struct mid_writer;

// Write to `fd`, which is empty and stays the caller's.
struct mid_writer *mid_writer_open(int fd);

// The number of a string in the table, added when it is new; 0 is the empty one.
uint32_t mid_writer_string(struct mid_writer *w, const char *words);
// The same for a module, by the path of its file and its build-id.
uint32_t mid_writer_module(struct mid_writer *w, const char *path, const struct mid_trace_id *id);
// The number of a return address: `offset` bytes into the file `module`, and the frame
// that called it, 0: not known.  A module of 0: `offset` is an address.
uint32_t mid_writer_stack(struct mid_writer *w, uint32_t caller, uint32_t module, uint64_t offset);
// A process: numbers are given from 1 on.
uint32_t mid_writer_process(struct mid_writer *w, uint64_t pid, uint64_t parent,
                            const char *command);

// Add an event.  Its tick is moved to where this process's last frame ended, or this thread's last
// event was, when it is before that; event->tick says so afterwards.  A birth gets its number.
void mid_writer_add(struct mid_writer *w, struct mid_trace_event *event);
// So many events of `process` were lost about now.
void mid_writer_lost(struct mid_writer *w, uint32_t process, uint64_t events);

// Cut a frame: `now` is the tick that it is, events before it may still come.
void mid_writer_flush(struct mid_writer *w);
// Flush when the last frame is a second old or there is much.
void mid_writer_tick(struct mid_writer *w, uint64_t now);

uint64_t mid_writer_bytes(const struct mid_writer *w);  // in the file so far
uint64_t mid_writer_events(const struct mid_writer *w);
uint64_t mid_writer_lost_all(const struct mid_writer *w);
// The errno of the first write that failed, after which nothing more is written; 0: none.
int mid_writer_error(const struct mid_writer *w);

// Flush, write the end, and free the writer: mid_writer_error, and the bytes of the file.
int mid_writer_close(struct mid_writer *w, uint64_t *bytes);

#endif
