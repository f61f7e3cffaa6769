// observe/proc.h -- what the kernel says of a process, from /proc.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_PROC_H
#define MID_OBSERVE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mid_proc_stat {
  char state;
  bool ended;  // a zombie; not one whose first thread alone has ended
  uint64_t start_ticks, threads, major_faults;
  double cpu_seconds;  // its own, without children
  bool had_children;   // it waited for a child that did some work
};
bool mid_proc_stat_read(pid_t pid, struct mid_proc_stat *out);

// Whether the process that was started at `start_ticks` under this number still runs.
bool mid_proc_lives(pid_t pid, uint64_t start_ticks);

// Seconds since that process was started.
double mid_proc_age(uint64_t start_ticks);

struct mid_proc_memory {
  uint64_t rss, peak_rss, anonymous, swap;  // bytes
};
bool mid_proc_memory_read(pid_t pid, struct mid_proc_memory *out);

// Bytes in transparent huge pages.  The kernel walks all of the process's pages for it.
bool mid_proc_huge_read(pid_t pid, uint64_t *bytes);

// Bytes resident, with what is shared divided among those who share it.  At the same cost,
// and only for who may look into the process's memory.
bool mid_proc_share_read(pid_t pid, uint64_t *pss);

// The command line with blanks between its words; nothing unprintable in it.
void mid_proc_command(pid_t pid, char *room, size_t bytes);

// How near it is to be chosen when the kernel needs memory; 0: not known.
uint64_t mid_proc_oom_score(pid_t pid);

// Bytes that new programs could take without swapping, by the kernel's own guess; 0: not known.
uint64_t mid_proc_available(void);

// A small file, whole, with a NUL after it: its bytes, or -1.
ssize_t mid_proc_file(const char *path, char *room, size_t bytes);

#endif
