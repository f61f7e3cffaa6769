// feed/samples.h -- the sample file: which blocks are live, by the stacks that allocated them.
// SPDX-License-Identifier: MIT
//
// A file beside the feed, PID.START.samples, private to the user.  The process writes, others read
// meanwhile.  It is a page with this header, then pieces of MID_SAMPLES_PIECE bytes, each of
// records of one kind, in the order in which they were wanted:
//
//   | header | piece 0: stacks | piece 1: samples | piece 2: frames | piece 3: samples | ...
//
// Record n of a kind is in the (n / records in a piece)-th piece of that kind.  All kinds count
// from 1; number 0 is none.  All numbers are in the byte order of the machine.
//
// A block is sampled with the chance p = 1 - exp(-bytes / mean), where `bytes` are its usable ones
// and `mean` the mean distance in force; mean 1 stands for p = 1.  Each sample keeps its own mean,
// so sums of 1/p (blocks) and asked/p (bytes) are unbiased, after D. G. Horvitz and D. J. Thompson,
// "A Generalization of Sampling Without Replacement", J. Am. Stat. Assoc. 47, 1952.  The sums in a
// stack's record are weighted in this way as they are made; counts of samples are not.
#ifndef MID_FEED_SAMPLES_H
#define MID_FEED_SAMPLES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MID_SAMPLES_MAGIC 0x4d53454c504d4153u  // "SAMPLESM"
enum {
  MID_SAMPLES_VERSION = 1,
  MID_SAMPLES_HEAD = 4096,      // bytes
  MID_SAMPLES_PIECE = 32768,    // bytes
  MID_SAMPLES_PIECES = 248,     // at most: the file stays below 8 MiB
  MID_SAMPLES_MODULE_BITS = 16  // of a frame
};

enum mid_samples_kind {
  MID_SAMPLES_NONE,
  MID_SAMPLES_BLOCK,   // struct mid_sample
  MID_SAMPLES_STACK,   // struct mid_sample_stack
  MID_SAMPLES_FRAME,   // uint64_t
  MID_SAMPLES_MODULE,  // struct mid_sample_module
  MID_SAMPLES_KINDS
};

struct mid_samples_header {
  _Atomic uint64_t xmagic;  // x: stored last, with release
  uint32_t version, reserved;
  uint64_t pid, start_ticks;                    // as in the feed
  uint64_t mean_wanted;                         // bytes: the option `sample`
  uint64_t opened_ticks, opened_ns;             // the same moment by mid_os_ticks, CLOCK_MONOTONIC
  _Atomic uint64_t now_ticks, now_ns;           // and again, later
  _Atomic uint64_t mean;                        // bytes, in force
  _Atomic uint64_t taken;                       // samples so far
  _Atomic uint64_t live;                        // of these, of blocks that are live
  _Atomic uint64_t thinned;                     // of these, forgotten when the mean grew
  _Atomic uint64_t lost;                        // that found no room here
  _Atomic uint64_t spent_ticks;                 // in the sampler
  _Atomic uint64_t sequence;                    // odd while the samples are thinned out
  _Atomic uint64_t records[MID_SAMPLES_KINDS];  // of each kind; the records up to it are whole
  _Atomic uint64_t pieces;
  _Atomic uint8_t kind[MID_SAMPLES_PIECES];  // of each piece
};
_Static_assert(sizeof(struct mid_samples_header) <= MID_SAMPLES_HEAD, "it has one page");

enum mid_sample_door {
  MID_DOOR_MALLOC,  // and operator new
  MID_DOOR_CALLOC,
  MID_DOOR_ALIGNED,
  MID_DOOR_REALLOC,  // a block that grew or shrank and had to move, or realloc(NULL)
};

struct mid_sample {
  _Atomic uint64_t block;  // its address; 0: this record is free.  Stored last, with release
  uint64_t asked;          // bytes; changed by a resize in place
  uint64_t bytes;          // usable when it was sampled: decides the chance
  uint64_t mean;           // in force then; thinning raises it
  uint64_t born;           // mid_os_ticks
  uint32_t stack;          // that allocated it
  uint32_t thread;         // kernel's number of the thread that did
  uint32_t door;           // enum mid_sample_door
  uint32_t moves;          // times that realloc moved it so far, where each was sampled
  uint64_t reserved;
};
_Static_assert(sizeof(struct mid_sample) == 64, "a line each");

// Sums over the samples of a stack, in 256ths where weighted (w).  Only `live`s fall.
enum { MID_SAMPLE_LIVES = 16 };  // bucket i: lives under 4^i microseconds; the last: all longer
struct mid_sample_stack {
  uint64_t frame;                       // number of its first frame, the innermost
  uint64_t frames;                      // how many follow one another
  uint64_t cut;                         // 1: the outermost are missing
  uint64_t samples, live_samples;       // taken so far; of blocks that are live
  uint64_t allocated, allocated_bytes;  // w: so far
  uint64_t live, live_bytes;            // w: now
  uint64_t brief, brief_bytes;    // w: freed within 100 microseconds by the thread that allocated
  uint64_t remote, remote_bytes;  // w: freed by another thread than allocated
  uint64_t moved, moved_bytes;    // w: made by realloc moving a block here; bytes copied for it
  uint64_t longest_moves;         // the most moves of one block
  uint64_t lives[MID_SAMPLE_LIVES];      // w: blocks freed so far, by how long they lived
  uint64_t pages_known, pages_touched;   // of blocks of two pages or more that were freed: pages
                                         // of which it is known whether they were ever touched
  uint64_t asked_least, asked_most;      // bytes
  uint64_t first_ticks, last_ticks;      // of its samples
  uint64_t peak_live_bytes, peak_ticks;  // w: the most live_bytes so far, and when
  uint64_t asked_last, rises, falls;     // bytes of its last sample; samples that asked for more,
                                         // and for less, than the one before
  uint64_t reserved[21];
};
_Static_assert(sizeof(struct mid_sample_stack) == 512, "as its file has it");

// A frame: the return address as an offset into its module's file, below the module's number.  The
// call is at the offset less one.  Module 0: an address that no module covered (JIT).
static inline uint64_t mid_sample_frame(uint64_t module, uint64_t offset) {
  return module << (64 - MID_SAMPLES_MODULE_BITS) |
         (offset & (((uint64_t)1 << (64 - MID_SAMPLES_MODULE_BITS)) - 1));
}

enum { MID_SAMPLE_ID_BYTES = 32, MID_SAMPLE_PATH_BYTES = 256 };
struct mid_sample_module {
  uint64_t start, end;    // addresses of the segment with code
  uint64_t offset;        // in the file, of `start`
  uint64_t loaded, gone;  // ticks; gone 0: it is loaded, or was at the last look
  uint64_t id_bytes;      // of the build-id
  unsigned char id[MID_SAMPLE_ID_BYTES];
  char path[MID_SAMPLE_PATH_BYTES];  // NUL-padded; cut when longer
  uint64_t reserved[22];
};
_Static_assert(sizeof(struct mid_sample_module) == 512, "as its file has it");

// Records of each kind have a power of two of bytes.
static inline unsigned mid_samples_record_shift(enum mid_samples_kind kind) {
  return kind == MID_SAMPLES_BLOCK ? 6 : kind == MID_SAMPLES_FRAME ? 3 : 9;
}
static inline size_t mid_samples_record_bytes(enum mid_samples_kind kind) {
  return (size_t)1 << mid_samples_record_shift(kind);
}

// ---- samples.c: writing them ----

// Make the file beside the feed and map its header.  NULL where there is no feed or no room.
// threads  the caller holds the feed's lock here and in mid_samples_more
struct mid_samples_header *mid_samples_open(uint64_t mean_wanted);

// Room for `count` more records of `kind`, one after the other: the number of the first; 0: there
// is none.  They are seen by readers once mid_samples_show was called.
uint64_t mid_samples_more(enum mid_samples_kind kind, uint64_t count);
void mid_samples_show(enum mid_samples_kind kind);

// Record `number` of `kind`, one that mid_samples_more gave.
extern struct mid_samples_place {
  char *base;                            // of piece 0; NULL: there is no file
  uint8_t piece[MID_SAMPLES_KINDS][96];  // by its place among those of its kind
} mid_samples_place __attribute__((visibility("hidden")));
static inline void *mid_samples_at(enum mid_samples_kind kind, uint64_t number) {
  uint64_t at = (number - 1) << mid_samples_record_shift(kind);
  uint64_t piece = mid_samples_place.piece[kind][at / MID_SAMPLES_PIECE];
  return mid_samples_place.base + piece * MID_SAMPLES_PIECE + at % MID_SAMPLES_PIECE;
}

// In a forked child: unmap the parent's file.
void mid_samples_forget(void);

#endif
