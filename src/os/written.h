// os/written.h -- the kernel as a write barrier: which pages were written since last asked for.
// SPDX-License-Identifier: MIT
//
// A tracker follows the writes of everybody in this process, the kernel's own included (read(2)
// into the memory), with no thread and no signal: a page is write-protected when it is asked for,
// the first write after that costs a fault of 0.6 us or more, in which the kernel lifts the
// protection and remembers, and the next question finds the page and protects it again in one walk.
//
// What is told may be more than what was written, never less.  When a question is refused, all that
// was asked for counts as written: the caller goes on as if it had been told of every page, and the
// next question is answered again, where the kernel lets it be.  Questions are refused once after
// the process forked (the child follows nothing), after the program closed our descriptors, and
// after the memory was mapped anew.
//
// Not seen are writes that pass by the page table: by devices and the kernel into pages that they
// pinned *before* the question (io_uring's fixed buffers, RDMA, a read with O_DIRECT under way),
// and by another mapping of the same file.  A page that was given back (MADV_DONTNEED) reads as
// zero, and may be told as written or not.
//
// Nothing here allocates from the heap, takes a lock or touches errno: it may run while all other
// threads are stopped anywhere.  One thread at a time for each tracker.  Linux 6.7 or newer.
// Why so, what it costs, what was tried: docs/decisions/0021-the-kernel-as-write-barrier.md
#ifndef MID_OS_WRITTEN_H
#define MID_OS_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A descriptor, and what tells it from another that got its number.
struct mid_written_file {
  int fd;  // -1: none
  uint64_t device, inode;
};

struct mid_written {
  struct mid_written_file faults;  // the userfaultfd: memory registered with it is followed
  struct mid_written_file map;     // /proc/self/pagemap, which answers
  unsigned char *here;  // a page that is 1, and 0 in a child: its parent's are the others
  uint32_t said;        // one bit for each reason that was news before
  const char *news;
};

// Open a tracker and try it on a page of its own.  Early: before the program gives up privileges or
// changes its root, since /proc is needed.  false: *why is the reason, a clause that fits behind a
// colon.
// cost: a few system calls, two descriptors with high numbers, a page.
bool mid_written_open(struct mid_written *w, const char **why);
void mid_written_close(struct mid_written *w);

// Follow `bytes` from `base`, whole pages of mappings of this process, be they touched or not;
// private memory is what it is for.  Nothing is protected before the first question, which tells of
// all that was ever touched.  A range belongs to one tracker; and neighbours that are not followed
// alike are separate mappings to the kernel (vm.max_map_count), so few large ranges are better than
// many small ones.  false when the kernel refuses.
bool mid_written_track(struct mid_written *w, void *base, size_t bytes);
// To be called before memory that stays mapped is used for something else; what is unmapped needs
// nothing.
void mid_written_untrack(struct mid_written *w, void *base, size_t bytes);

// Call `run` for the runs of pages in the `bytes` from `base` that were written since they were
// last asked for, in ascending order; from here on writes to them are new.  `run` may be NULL, when
// all of it is known to be looked at.
// false: refused; all of it counts as written, whatever was told.
// cost: 0.2 to 0.4 ms a GiB where nothing was written, 0.01 to 0.35 us for each page that was (most
// where it is alone), 1 us a call, and a flush of the processors' page table caches; so best few
// large ranges at once, with the world stopped.  Memory that was never touched is better left out.
bool mid_written_scan(struct mid_written *w, void *base, size_t bytes,
                      void (*run)(void *context, uintptr_t from, uintptr_t to), void *context);
// The same, but what it tells of is told again by the next question, and writes until then cost
// nothing: for pages that whoever asks is about to write to himself.
bool mid_written_peek(struct mid_written *w, void *base, size_t bytes,
                      void (*run)(void *context, uintptr_t from, uintptr_t to), void *context);
// Let writes to these pages cost nothing until the next question, which tells of them: for memory
// that is about to be filled.
void mid_written_lift(struct mid_written *w, void *base, size_t bytes);

// Why the last question was refused, a clause as of mid_written_open, but each reason only once;
// NULL: no news.
const char *mid_written_news(struct mid_written *w);

#endif
