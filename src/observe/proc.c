// observe/proc.c -- see proc.h.
// SPDX-License-Identifier: MIT
#include "observe/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "observe/words.h"

ssize_t mid_proc_file(const char *path, char *room, size_t bytes) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t at = 0;
  ssize_t n = 0;
  while (at < bytes - 1 && (n = read(fd, room + at, bytes - 1 - at)) > 0) at += (size_t)n;
  close(fd);
  room[at] = 0;
  return n < 0 ? -1 : (ssize_t)at;
}

static ssize_t file_of(pid_t pid, const char *name, char *room, size_t bytes) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  return mid_proc_file(path, room, bytes);
}

bool mid_proc_stat_read(pid_t pid, struct mid_proc_stat *out) {
  char room[1024];
  if (file_of(pid, "stat", room, sizeof room) <= 0) return false;
  char *at = strrchr(room, ')');  // the name before it may hold blanks and parentheses
  if (at == NULL || at[1] != ' ') return false;
  unsigned long long field[23] = {0};
  char *next = at + 3;
  for (int i = 4; i <= 22; i++) field[i] = strtoull(next, &next, 10);
  static double ticks;  // a second has this many
  if (ticks == 0) ticks = (double)sysconf(_SC_CLK_TCK);
  out->state = at[2];
  out->cpu_seconds = (double)(field[14] + field[15]) / ticks;
  out->had_children = (field[11] | field[13] | field[16] | field[17]) != 0;
  out->major_faults = field[12];
  out->threads = field[20];
  out->start_ticks = field[22];
  out->ended = out->state == 'X' || (out->state == 'Z' && out->threads < 2);
  return true;
}

bool mid_proc_lives(pid_t pid, uint64_t start_ticks) {
  struct mid_proc_stat s;
  return mid_proc_stat_read(pid, &s) && s.start_ticks == start_ticks && !s.ended;
}

double mid_proc_age(uint64_t start_ticks) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  double age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
               (double)start_ticks / (double)sysconf(_SC_CLK_TCK);
  return age > 0 ? age : 0;
}

// The number after "\nNAME:" in kB, as bytes; 0 when it is not there.
static uint64_t line_bytes(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) * 1024;
}

bool mid_proc_memory_read(pid_t pid, struct mid_proc_memory *out) {
  char room[4096];
  if (file_of(pid, "status", room, sizeof room) <= 0) return false;
  if (strstr(room, "\nVmRSS:") == NULL) return false;  // a zombie has no memory any more
  out->rss = line_bytes(room, "\nVmRSS:");
  out->peak_rss = line_bytes(room, "\nVmHWM:");
  out->anonymous = line_bytes(room, "\nRssAnon:");
  out->swap = line_bytes(room, "\nVmSwap:");
  return true;
}

static bool rollup_read(pid_t pid, const char *name, uint64_t *bytes) {
  char room[4096];
  if (file_of(pid, "smaps_rollup", room, sizeof room) <= 0) return false;
  *bytes = line_bytes(room, name);
  return true;
}

bool mid_proc_huge_read(pid_t pid, uint64_t *bytes) {
  return rollup_read(pid, "\nAnonHugePages:", bytes);
}

bool mid_proc_share_read(pid_t pid, uint64_t *pss) { return rollup_read(pid, "\nPss:", pss); }

void mid_proc_command(pid_t pid, char *room, size_t bytes) {
  ssize_t n = file_of(pid, "cmdline", room, bytes);
  if (n < 0) n = 0;
  while (n > 0 && room[n - 1] == 0) n--;
  room[n] = 0;
  for (ssize_t i = 0; i < n; i++)
    if (room[i] == 0) room[i] = ' ';
  mid_words_tame(room);
}

uint64_t mid_proc_oom_score(pid_t pid) {
  char room[32];
  return file_of(pid, "oom_score", room, sizeof room) > 0 ? strtoull(room, NULL, 10) : 0;
}

uint64_t mid_proc_available(void) {
  char room[4096];
  if (mid_proc_file("/proc/meminfo", room, sizeof room) <= 0) return 0;
  const char *at = strstr(room, "MemAvailable:");
  return at != NULL ? strtoull(at + strlen("MemAvailable:"), NULL, 10) << 10 : 0;
}
