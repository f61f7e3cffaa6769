// observe/proc_test.c -- reading /proc, of processes whose names are made to mislead.
// SPDX-License-Identifier: MIT
#include "observe/proc.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

TEST(a_name_with_blanks_and_parentheses_is_only_a_name)
{
  struct mid_proc_stat before, after;
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  CHECK(mid_proc_stat_read(getpid(), &before));
  CHECK_EQ(prctl(PR_SET_NAME, ") Z 1 2 (x) 3"), 0);
  CHECK(mid_proc_stat_read(getpid(), &after));
  prctl(PR_SET_NAME, name);
  CHECK_EQ(after.state, 'R');
  CHECK_EQ(after.start_ticks, before.start_ticks);
  CHECK_EQ(after.threads, 1);
}

TEST(a_process_lives_under_its_own_start_only)
{
  struct mid_proc_stat s;
  CHECK(mid_proc_stat_read(getpid(), &s));
  CHECK(mid_proc_lives(getpid(), s.start_ticks));
  CHECK(!mid_proc_lives(getpid(), s.start_ticks + 1));
}

TEST(a_zombie_does_not_live)
{
  struct mid_proc_stat s;
  struct mid_proc_memory memory;
  siginfo_t info;
  pid_t child = fork();
  if (child == 0) _exit(0);
  CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
  CHECK(mid_proc_stat_read(child, &s));
  CHECK_EQ(s.state, 'Z');
  CHECK(s.ended);
  CHECK(!mid_proc_lives(child, s.start_ticks));
  CHECK(!mid_proc_memory_read(child, &memory));
  CHECK_EQ(waitpid(child, NULL, 0), child);
  CHECK(!mid_proc_stat_read(child, &s));
}

TEST(memory_is_in_bytes_and_never_over_its_peak)
{
  struct mid_proc_memory memory;
  CHECK(mid_proc_memory_read(getpid(), &memory));
  CHECK_EQ(memory.rss % 1024, 0);
  CHECK(memory.rss > 100 << 10);
  CHECK(memory.anonymous < memory.rss && memory.rss <= memory.peak_rss);
}

TEST(a_file_is_cut_to_the_room_there_is)
{
  char room[4];
  CHECK_EQ(mid_proc_file("/proc/self/status", room, sizeof room), 3);
  CHECK_STR(room, "Nam");
  CHECK_EQ(mid_proc_file("/proc/self/nothing", room, sizeof room), -1);
}
