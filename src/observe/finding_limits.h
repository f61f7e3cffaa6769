// observe/finding_limits.h -- from when on something is worth a person's time: every threshold of
// the rules, and why.
// SPDX-License-Identifier: MIT
//
// A clean program gets no finding at all, and a trouble planted in a program of 50 ms gets one:
// figures are thus held against what the process did in all, and only what is a trifle on any scale
// is cut off by a plain number.
#ifndef MID_OBSERVE_FINDING_LIMITS_H
#define MID_OBSERVE_FINDING_LIMITS_H

// A malloc and its free, both of the fast path, with the instructions around them; bench/heap has
// 9 to 14 ns for small sizes on the machines it was run on, and caches that are missed come on top.
#define MID_PAIR_SECONDS 15e-9
// Memory that is written anew instead of used again: 10 GB/s, a copy's reading and writing.
#define MID_COPY_SECONDS_A_BYTE 0.1e-9

// ---- growing ----
#define MID_GROWING_BYTES 32768.0      // in all, and so much of the most that was live:
#define MID_GROWING_PART 0.05          // less is no trouble yet
#define MID_GROWING_SECONDS 0.02       // sooner, all that a program does is to start
#define MID_GROWING_SHORT_SECONDS 0.2  // until then it must have done other work, and much:
#define MID_GROWING_SHORT_WORK 3.0     // bytes allocated by the most that was live
#define MID_GROWING_SHORT_BIRTHS 20
#define MID_GROWING_BIRTHS 4              // fewer blocks could be anywhere by chance
#define MID_GROWING_KEPT_BIRTHS 2         // where none was ever freed
#define MID_GROWING_SURE_SAMPLES 20       // fewer have an error of more than a fifth
#define MID_GROWING_LIKELY_SECONDS 5.0    // compilers and loaders of tables are mostly done by then
#define MID_GROWING_CERTAIN_SECONDS 60.0  // what rises for a minute while the rest is level
#define MID_GROWING_LEVEL 0.25            // the rest grows by at most this part of it
#define MID_GROWING_PLACES 8              // when more places grow it is the program that starts
#define MID_GROWING_ALARM 0.5             // of live bytes an hour: the field's rule of thumb
#define MID_GROWING_ERROR_RATE 0.05       // of false ones among those that are found
#define MID_GROWING_LEAST_ALARM (1 << 20)  // bytes in an hour: less fills nothing in a month

// ---- churn, temporary ----
#define MID_CHURN_BLOCKS 20000.0    // 0.3 ms at the cost above
#define MID_CHURN_TURNOVER 20.0     // times that the place's memory was allocated over and over
#define MID_CHURN_PART 0.01         // of the processor time that could be saved
#define MID_CHURN_LEAST_PART 0.003  // the same, for what is but possible
#define MID_CHURN_SHARE 0.3         // of the process's allocations: a hot path whatever it costs
#define MID_TEMPORARY_SHARE 0.8     // of the blocks live less than 100 us, in one thread

// ---- realloc-ladder ----
#define MID_LADDER_MOVES 4         // doubling from 16 bytes to 256 takes as many
#define MID_LADDER_COPIED 4.0      // times the final size: doubling copies it once, 1.5 twice
#define MID_LADDER_BYTES 262144.0  // 30 us of copying
#define MID_LADDER_RANGE 16.0      // largest by smallest of one array that is made anew
#define MID_LADDER_RISES 32        // samples larger than the one before: random sizes fall as often
#define MID_LADDER_RISES_A_FALL 8  // sampled steps of one array never fall, of several seldom
#define MID_LADDER_STEPS 200.0     // steps of it: doubling takes 64 at the most

// ---- unused ----
#define MID_UNUSED_TOUCHED 0.5       // of the pages
#define MID_UNUSED_BYTES 262144.0    // address space, and memory once it is touched by accident
#define MID_UNUSED_PART 0.1          // of the most that was live
#define MID_UNUSED_SURE_BLOCK 65536  // bytes: up to it a page or two decide
#define MID_UNUSED_SURE_BLOCKS 4.0   // one is a reserve that some other input fills

// ---- fragmented ----
#define MID_FRAGMENTED_FREE 0.5         // of the memory in spans that hold live blocks
#define MID_FRAGMENTED_BYTES 1048576.0  // in free blocks; less is what thread caches hold anyway
#define MID_FRAGMENTED_MUCH 8388608.0   // that counts also when no place holds it
#define MID_FRAGMENTED_HOLDS 0.3        // of the live blocks, by the place that is named
#define MID_FRAGMENTED_PARTS 3          // of the history, in a row: right after a peak it is normal
#define MID_FRAGMENTED_BLOCKS 32.0      // that survive: fewer are what happens to be at hand
#define MID_FRAGMENTED_STEADY 0.95  // of the live bytes stay from look to look: not in a free loop
#define MID_FRAGMENTED_FALL 0.5     // of its peak, to which live memory fell

// ---- threads ----
#define MID_REMOTE_SHARE 0.5      // of the frees
#define MID_REMOTE_BLOCKS 1000.0  // a remote free costs some 50 ns: less than 50 us in all
#define MID_REMOTE_SURE_BLOCKS 20000.0
#define MID_REMOTE_WAITING 65536.0   // bytes: less is in any thread's few spans
#define MID_REMOTE_IDLE_SECONDS 1.0  // an owner that allocates comes back far sooner
#define MID_LINE_BYTES 64            // what processors share or fight for
#define MID_SHARED_LINE_BLOCKS 2.0
#define MID_SHARED_LINE_MOST 1024.0  // more blocks are data that is handed over, not counters

// ---- double-buffering ----
#define MID_DOUBLE_BLOCK 4096  // bytes: small copies are cheaper than to share
#define MID_DOUBLE_BLOCKS 16   // so many pairs of one size are no chance
#define MID_DOUBLE_SIZES 8     // different ones among them
#define MID_DOUBLE_SHARE 0.9   // of the blocks that have a twin

// ---- mapped, kernel, stack ----
#define MID_MAPPED_BYTES (8 << 20)  // a library or two are less
#define MID_MAPPED_SECONDS 0.5
#define MID_MAPPED_SURE_SECONDS 60.0  // heaps of compilers and of other languages rise for less
#define MID_KERNEL_FAULTS 1000        // from a disk: 0.1 s at 100 us each
#define MID_KERNEL_SWAP (1 << 20)
#define MID_KERNEL_NEAR 0.9  // of the cgroup's limit
#define MID_STACK_NEAR 0.8   // of a thread's stack

#endif
