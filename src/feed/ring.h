// feed/ring.h -- rings: the events of one thread, on their way to whoever records them.
// SPDX-License-Identifier: MIT
//
// A ring is a file beside the feed, PID.START.N.ring, private to the user: a page with this header,
// then `words` 64-bit numbers, a power of two.  One thread writes, one other process reads:
//
//        xtail                    xhead              both count words for ever; the place of word i
//   ......|=======================|........          is i modulo `words`
//         read up to here         written up to here
//
// What a killed program wrote stays in the file.  An event is its first word and those that go with
// it; the time is the ticks of mid_os_ticks without their last MID_RING_TICK_SHIFT bits.
//
//   63           10 9        4 3  0
//   |     time     |  more    | op |    more: the alignment, as a power of two; or a count of words
//
//   op        further words
//   TAKE      block, [bytes,] site       CALLOC, ALIGNED, RESIZED have the same
//   GIVE      block, site
//   RESIZING  block                      the one that RESIZED, next in this ring, is about
//   THREAD    its number in this process, its number in the kernel: the events after it are its own
//   MODULE    start, end, offset in the file, bytes of its build-id, that in 4 words, then `more`
//             words of its path, NUL-padded.  Where end is 0: all that were told of are gone
//   STACK     its number, then `more` return addresses, the innermost first
//
// site is the return address of the call; or, with MID_RING_IS_STACK, the number of a stack that
// this process told of before, in any of its rings.  MID_RING_IS_CUT in a STACK's number says that
// its outermost frames are missing.  Stacks are taken where the number of the recording has
// MID_RING_WANTS_STACKS.
//
// block is its address / 16 in 44 bits, above that its size in 20; MID_RING_SIZE_APART there means
// that the size is the next word.  Only the words between xtail and xhead are whole.
//
// A free is written before it is done, an allocation after it.  So where threads hand a block to
// each other, the events about it become visible in the order in which they happened.
#ifndef MID_FEED_RING_H
#define MID_FEED_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MID_RING_MAGIC 0x47524e454444494du  // "MIDDENRG"
enum { MID_RING_VERSION = 2, MID_RING_HEAD_BYTES = 4096, MID_RING_TICK_SHIFT = 4 };

enum mid_ring_op {
  MID_RING_TAKE = 1,
  MID_RING_CALLOC,
  MID_RING_ALIGNED,
  MID_RING_RESIZED,
  MID_RING_GIVE,
  MID_RING_RESIZING,
  MID_RING_THREAD,
  MID_RING_MODULE,
  MID_RING_STACK,
};

enum { MID_RING_ALIGN_SHIFT = 4, MID_RING_TIME_SHIFT = 10, MID_RING_BLOCK_BITS = 44 };
#define MID_RING_SIZE_APART ((uint64_t)0xfffff)
#define MID_RING_IS_STACK ((uint64_t)1 << 63)
#define MID_RING_IS_CUT ((uint64_t)1 << 63)
#define MID_RING_WANTS_STACKS ((uint64_t)1)
enum { MID_RING_FRAMES_MOST = 63, MID_RING_ID_WORDS = 4, MID_RING_PATH_WORDS = 32 };
enum { MID_RING_MODULE_HEAD = 5 + MID_RING_ID_WORDS, MID_RING_STACK_HEAD = 2 };
// The most words that one event has.
enum { MID_RING_EVENT_MOST = MID_RING_STACK_HEAD + MID_RING_FRAMES_MOST };
_Static_assert(MID_RING_EVENT_MOST >= MID_RING_MODULE_HEAD + MID_RING_PATH_WORDS, "the larger");

struct mid_ring {
  _Atomic uint64_t xmagic;  // x: stored last, with release: until then the file is not a ring
  uint32_t version, reserved;
  uint64_t words;
  uint64_t pid, start_ticks;  // as in the feed
  uint64_t parent;
  uint64_t image;      // a random number: unlike after an exec
  uint64_t recording;  // the number of the recording that it is for
  char command[128];

  _Alignas(64) _Atomic uint64_t xhead;  // x: by the writer with release, after the words
  _Atomic uint64_t xlost;               // x: events for which there was no room; relaxed
  _Atomic uint64_t xclosed;             // x: 1: nothing follows; stored with release after xhead
  _Alignas(64) _Atomic uint64_t xtail;  // x: by the reader with release, after it has the words
};
_Static_assert(sizeof(struct mid_ring) <= MID_RING_HEAD_BYTES, "the header has a page");

// ---- ring.c: making them ----

// Make a ring for `words` words beside the feed, mapped and all of its pages there, all fields set
// but the magic.  NULL where there is no feed or no room.
// threads  the caller holds the feed's lock
struct mid_ring *mid_ring_open(uint64_t words, uint64_t recording);
// Let the reader see it.
void mid_ring_publish(struct mid_ring *ring);
// Unmap it; its file stays for the reader.
void mid_ring_close(struct mid_ring *ring);

#endif
