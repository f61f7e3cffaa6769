// observe/folders.c -- see folders.h.
// SPDX-License-Identifier: MIT
#include "observe/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "feed/bell.h"
#include "observe/proc.h"

enum { FOLDERS = MID_FOLDERS, KEPT_SECONDS = 24 * 3600 };

static bool folder_name(int which, char *room, size_t bytes) {
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  int n;
  if (which == 0) {
    if (runtime == NULL || runtime[0] != '/') return false;
    n = snprintf(room, bytes, "%s/midden", runtime);
  } else {
    n = snprintf(room, bytes, "%s/midden-%u", which == 1 ? "/dev/shm" : "/tmp",
                 (unsigned)geteuid());
  }
  return n > 0 && (size_t)n < bytes;
}

// A folder that someone else owns or may write to could hold anything.
static int folder_open(int which) {
  char path[PATH_MAX];
  struct stat s;
  if (!folder_name(which, path, sizeof path)) return -1;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  if (fstat(fd, &s) == 0 && s.st_uid == geteuid() && (s.st_mode & 022) == 0) return fd;
  close(fd);
  return -1;
}

// A process believes no folder that others may even read.
static int folder_open_to_write(int which) {
  char path[PATH_MAX];
  struct stat s;
  if (folder_name(which, path, sizeof path)) mkdir(path, 0700);
  int fd = folder_open(which);
  if (fd >= 0 && fstat(fd, &s) == 0 && (s.st_mode & 077) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int mid_folders_make(const char *name) {
  int fd = -1;
  for (int i = 0; i < FOLDERS && fd < 0; i++) {
    int folder = folder_open_to_write(i);
    if (folder < 0) continue;
    fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    close(folder);
  }
  return fd;
}

void mid_folders_remove(const char *name) {
  for (int i = 0; i < FOLDERS; i++) {
    int folder = folder_open(i);
    if (folder < 0) continue;
    unlinkat(folder, name, 0);
    close(folder);
  }
}

// PID.START.feed, both in plain decimal; of a ring PID.START.N.ring.
static bool name_read(const char *name, bool ring, struct mid_feed_file *out) {
  char *end, *last;
  const char *ending = ring ? ".ring" : ".feed", *at = strrchr(name, '.');
  if (at == NULL || strcmp(at, ending) != 0 || name[0] < '0' || name[0] > '9') return false;
  errno = 0;
  unsigned long pid = strtoul(name, &end, 10);
  if (*end != '.' || end[1] < '0' || end[1] > '9') return false;
  unsigned long long start = strtoull(end + 1, &last, 10);
  if (ring && *last == '.') last += 1 + strspn(last + 1, "0123456789");
  if (errno != 0 || pid == 0 || pid > INT_MAX || last != at) return false;
  out->name = name;
  out->pid = (pid_t)pid;
  out->start_ticks = start;
  return true;
}

static void folder_walk(int folder, bool rings, void (*visit)(void *, const struct mid_feed_file *),
                        void *self) {
  DIR *dir = fdopendir(folder);
  if (dir == NULL) {
    close(folder);
    return;
  }
  struct mid_feed_file file = {.folder = folder};
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if (name_read(entry->d_name, rings, &file)) visit(self, &file);
  closedir(dir);
}

// Whether nothing came or went in `folder` since it was `seen`.  A time that is of this moment may
// be that of a later change too.
static bool is_as_seen(int folder, struct timespec *seen) {
  enum { MOMENT_NS = 50000000 };
  struct stat s;
  struct timespec now;
  if (fstat(folder, &s) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) return false;
  bool same = s.st_mtim.tv_sec == seen->tv_sec && s.st_mtim.tv_nsec == seen->tv_nsec;
  long long age = (now.tv_sec - s.st_mtim.tv_sec) * 1000000000ll + now.tv_nsec - s.st_mtim.tv_nsec;
  *seen = age > MOMENT_NS ? s.st_mtim : (struct timespec){0};
  return same;
}

static void walk(bool rings, void (*visit)(void *, const struct mid_feed_file *), void *self,
                 struct mid_folders_seen *seen) {
  for (int i = 0; i < FOLDERS; i++) {
    int folder = folder_open(i);
    if (folder < 0) continue;
    if (seen != NULL && is_as_seen(folder, &seen->changed[i]))
      close(folder);
    else
      folder_walk(folder, rings, visit, self);
  }
}

void mid_folders_walk(void (*visit)(void *, const struct mid_feed_file *), void *self) {
  walk(false, visit, self, NULL);
}

void mid_folders_walk_rings(void (*visit)(void *, const struct mid_feed_file *), void *self,
                            struct mid_folders_seen *seen) {
  walk(true, visit, self, seen);
}

static int file_open(const struct mid_feed_file *file, int how) {
  struct stat s;
  // O_NONBLOCK: a pipe in place of the file must not hold us up.
  int fd = openat(file->folder, file->name, how | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -1;
  if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid()) return fd;
  close(fd);
  return -1;
}

int mid_feed_file_open(const struct mid_feed_file *file) { return file_open(file, O_RDONLY); }
int mid_feed_file_open_to_write(const struct mid_feed_file *file) {
  return file_open(file, O_RDWR);
}

// PID.START.samples, in place of its last word `feed`.
static struct mid_feed_file samples_beside(const struct mid_feed_file *feed, char room[NAME_MAX]) {
  struct mid_feed_file samples = *feed;
  snprintf(room, NAME_MAX, "%.*s.samples", (int)(strrchr(feed->name, '.') - feed->name),
           feed->name);
  samples.name = room;
  return samples;
}

int mid_feed_file_open_samples(const struct mid_feed_file *feed) {
  char room[NAME_MAX];
  struct mid_feed_file samples = samples_beside(feed, room);
  return mid_feed_file_open(&samples);
}

void mid_feed_file_remove(const struct mid_feed_file *feed) {
  char room[NAME_MAX];
  unlinkat(feed->folder, samples_beside(feed, room).name, 0);
  unlinkat(feed->folder, feed->name, 0);
}

static void sweep_one(void *self, const struct mid_feed_file *file) {
  (void)self;
  if (mid_proc_lives(file->pid, file->start_ticks)) return;
  int fd = mid_feed_file_open(file);
  struct stat s;
  if (fd < 0) return;
  if (fstat(fd, &s) == 0) {
    if ((s.st_mode & S_IXUSR) == 0) {
      if (futimens(fd, NULL) == 0) fchmod(fd, 0700);
    } else if (time(NULL) - s.st_mtime > KEPT_SECONDS) {
      mid_feed_file_remove(file);
    }
  }
  close(fd);
}

// RUN.bell
static void sweep_bell(int folder, const char *name) {
  struct mid_bell bell;
  const char *at = strchr(name, '.');
  if (at == NULL || strcmp(at, ".bell") != 0) return;
  const struct mid_feed_file file = {.folder = folder, .name = name};
  int fd = mid_feed_file_open(&file);
  if (fd < 0) return;
  bool whole = pread(fd, &bell, sizeof bell, 0) == sizeof bell && bell.magic == MID_BELL_MAGIC;
  if (whole && !mid_bell_is_heard(&bell)) unlinkat(folder, name, 0);
  close(fd);
}

static void sweep_bells(void) {
  for (int i = 0; i < FOLDERS; i++) {
    int folder = folder_open(i);
    DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
    if (dir == NULL) {
      if (folder >= 0) close(folder);
      continue;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) sweep_bell(folder, entry->d_name);
    closedir(dir);
  }
}

void mid_folders_sweep(void) {
  sweep_bells();
  mid_folders_walk(sweep_one, NULL);
  mid_folders_walk_rings(sweep_one, NULL, NULL);
}
