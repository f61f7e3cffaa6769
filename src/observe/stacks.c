// observe/stacks.c -- see stacks.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "observe/stacks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "observe/finding_limits.h"
#include "observe/proc.h"
#include "observe/words.h"

enum {
  RECORD_BYTES = 16384,   // at the upper end of a stack, in which the thread's record is
  BEFORE_BYTES = 2048,    // from the thread's number to the bounds of its stack, at most
  SMALLEST_BYTES = 16384  // PTHREAD_STACK_MIN
};

// A mapping of memory that is of no file.
struct stacks_mapping {
  uint64_t start, end;
  bool closed;  // neither read nor written
};

struct stacks_scene {
  pid_t pid;
  int pagemap;
  uint64_t page_bytes;
  struct mid_near_stacks *near;
};

void mid_stacks_name(pid_t pid, pid_t tid, char *room, size_t bytes) {
  char path[64], name[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)pid, (int)tid);
  if (mid_proc_file(path, name, sizeof name) <= 0) name[0] = 0;
  name[strcspn(name, "\n")] = 0;
  mid_words_tame(name);
  snprintf(room, bytes, "%.*s", (int)bytes - 1, name);
}

// A stack is one by its end: of how deep it was the most is kept.
static void stacks_keep(const struct stacks_scene *s, struct mid_near_stack stack) {
  struct mid_near_stacks *near = s->near;
  size_t i = 0;
  while (i < near->count && (near->stack[i].high != stack.high || near->stack[i].tid != stack.tid))
    i++;
  if (i == MID_NEAR_STACKS || (i < near->count && near->stack[i].used >= stack.used)) return;
  mid_stacks_name(s->pid, stack.tid, stack.name, sizeof stack.name);
  near->stack[i] = stack;
  if (i == near->count) near->count++;
}

// ---- threads ------------------------------------------------------------------------------------

// The number of the thread whose record has these words at `at`: it stands before them.
static pid_t record_thread(const struct stacks_scene *s, const char *record, size_t at) {
  char path[64];
  int number;
  size_t from = at > BEFORE_BYTES ? at - BEFORE_BYTES : 0;
  for (size_t i = at; i >= from + sizeof number; i -= sizeof number) {
    memcpy(&number, record + i - sizeof number, sizeof number);
    if (number <= 0) continue;
    snprintf(path, sizeof path, "/proc/%d/task/%d", (int)s->pid, number);
    if (access(path, F_OK) == 0) return number;
  }
  return 0;
}

// Any memory can lie behind a guard.  In a stack glibc keeps its bounds, one after the other: where
// its guard begins, the bytes from there, and those of the guard.
static pid_t stack_thread(const struct stacks_scene *s, const struct stacks_mapping *guard,
                          const struct stacks_mapping *m) {
  uint64_t record[RECORD_BYTES / sizeof(uint64_t)];
  const uint64_t bounds[] = {guard->start, m->end - guard->start, guard->end - guard->start};
  struct iovec here = {record, sizeof record};
  struct iovec there = {(void *)(uintptr_t)(m->end - sizeof record), sizeof record};
  if (process_vm_readv(s->pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof record) return 0;
  for (size_t i = 0; i + 3 <= sizeof record / sizeof *record; i++)
    if (memcmp(&record[i], bounds, sizeof bounds) == 0)
      return record_thread(s, (const char *)record, i * sizeof *record);
  return 0;
}

// The lowest page of [start, end) that was ever touched; `end`: none.
static uint64_t lowest_page(const struct stacks_scene *s, uint64_t start, uint64_t end) {
  uint64_t entry[512];
  const uint64_t touched = (uint64_t)3 << 62;  // present, or swapped out
  for (uint64_t at = start; at < end;) {
    size_t pages = mid_min((end - at) / s->page_bytes, sizeof entry / sizeof *entry);
    ssize_t n = pread(s->pagemap, entry, pages * sizeof *entry,
                      (off_t)(at / s->page_bytes * sizeof *entry));
    if (n <= 0) return end;
    for (size_t i = 0; i < (size_t)n / sizeof *entry; i++, at += s->page_bytes)
      if (entry[i] & touched) return at;
  }
  return end;
}

static void stacks_look_at(const struct stacks_scene *s, const struct stacks_mapping *guard,
                           const struct stacks_mapping *m) {
  uint64_t limit = m->end - m->start;
  uint64_t rest = (uint64_t)((1 - MID_STACK_NEAR) * (double)limit) & -s->page_bytes;
  if (limit < SMALLEST_BYTES) return;
  uint64_t page = lowest_page(s, m->start, m->start + rest);
  if (page == m->start || page == m->start + rest) return;
  pid_t tid = stack_thread(s, guard, m);
  if (tid == 0) return;
  stacks_keep(s, (struct mid_near_stack){
                     .high = m->end, .used = m->end - page, .limit = limit, .tid = tid});
}

// ---- the first thread ---------------------------------------------------------------------------

// The kernel makes its stack larger as it is used, and never smaller.
static void look_at_first(const struct stacks_scene *s, const struct stacks_mapping *m) {
  struct rlimit limit;
  uint64_t used = m->end - m->start;
  if (prlimit(s->pid, RLIMIT_STACK, NULL, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      (double)used < MID_STACK_NEAR * (double)limit.rlim_cur)
    return;
  stacks_keep(s, (struct mid_near_stack){.high = m->end,
                                         .used = mid_min(used, (uint64_t)limit.rlim_cur),
                                         .limit = limit.rlim_cur,
                                         .tid = s->pid,
                                         .first = true});
}

// ---- the whole ----------------------------------------------------------------------------------

static void stacks_look_through(const struct stacks_scene *s, FILE *maps) {
  char *line = NULL;
  size_t room = 0;
  struct stacks_mapping before = {0};
  while (getline(&line, &room, maps) > 0) {
    struct stacks_mapping m = {0};
    char rights[5], path[16] = "";
    unsigned long inode;
    if (sscanf(line, "%lx-%lx %4s %*s %*s %lu %15s", &m.start, &m.end, rights, &inode, path) < 4)
      continue;
    m.closed = strcmp(rights, "---p") == 0 && inode == 0;
    if (strcmp(path, "[stack]") == 0)
      look_at_first(s, &m);
    else if (before.closed && before.end == m.start && strcmp(rights, "rw-p") == 0 && inode == 0)
      stacks_look_at(s, &before, &m);
    before = m;
  }
  free(line);
}

void mid_stacks_look(pid_t pid, struct mid_near_stacks *near) {
  char path[64];
  struct stacks_scene s = {.pid = pid, .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), .near = near};
  snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
  s.pagemap = open(path, O_RDONLY | O_CLOEXEC);
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
  FILE *maps = s.pagemap >= 0 ? fopen(path, "re") : NULL;
  if (maps != NULL) stacks_look_through(&s, maps), fclose(maps);
  if (s.pagemap >= 0) close(s.pagemap);
}
