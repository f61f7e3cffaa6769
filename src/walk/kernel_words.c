// walk/kernel_words.c -- see kernel_words.h.
// SPDX-License-Identifier: MIT
#include "walk/kernel_words.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void words_add(struct mid_kernel_words *words, uint64_t word) {
  if (words->count % 64 == 0) words->word = realloc(words->word, (words->count + 64) * sizeof word);
  if (words->word == NULL) abort();
  words->word[words->count++] = word;
}

// Lines of `path` that have `mark`, and a hexadecimal number behind it or its slash: "data: 7f00",
// "signal: 60/00007f00".
static void words_read(const char *path, const char *mark, struct mid_kernel_words *out) {
  char line[512];
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  while (fgets(line, sizeof line, file) != NULL) {
    char *at = strstr(line, mark), *slash = at == NULL ? NULL : strchr(at, '/');
    if (at != NULL)
      words_add(out, strtoull(slash != NULL ? slash + 1 : at + strlen(mark), NULL, 16));
  }
  fclose(file);
}

struct mid_kernel_words mid_kernel_words_read(const struct mid_target *t) {
  static const char epoll[] = "anon_inode:[eventpoll]";
  struct mid_kernel_words out = {0};
  char path[320], link[64];
  if (!t->live) return out;
  snprintf(path, sizeof path, "/proc/%d/fd", (int)t->pid);
  DIR *folder = opendir(path);
  for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
    snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)t->pid, e->d_name);
    ssize_t bytes = readlink(path, link, sizeof link);
    if (bytes != (ssize_t)strlen(epoll) || memcmp(link, epoll, strlen(epoll)) != 0) continue;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)t->pid, e->d_name);
    words_read(path, "data:", &out);
  }
  if (folder != NULL) closedir(folder);
  snprintf(path, sizeof path, "/proc/%d/timers", (int)t->pid);
  words_read(path, "signal: ", &out);
  return out;
}
