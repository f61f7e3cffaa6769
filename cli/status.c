// cli/status.c -- see status.h.
//
// The terminal's last row is taken out of the region that scrolls, so that what the program writes
// moves above the line and never mixes with it; the cursor stays the program's.  Nothing is drawn
// while another job has the terminal, or while a program has it in a mode of its own (an editor, a
// pager, a prompt with line editing), since then the whole screen is that program's.
// SPDX-License-Identifier: MIT
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

// One write each, so that what the program writes does not fall in between.
static void put(int fd, const char *words, int bytes) {
  if (bytes > 0 && write(fd, words, (size_t)bytes) != bytes) return;  // a line less is no loss
}

static void read_size(struct cli_status *s) {
  struct winsize size = {0};
  ioctl(s->fd, TIOCGWINSZ, &size);
  s->rows = size.ws_row > 0 ? size.ws_row : 24;
  s->columns = size.ws_col > 0 ? size.ws_col : 80;
}

struct cli_status cli_status_open(int fd, bool wanted) {
  const char *term = getenv("TERM");
  bool able = term != NULL && strcmp(term, "dumb") != 0 && *term != 0;
  struct cli_status s = {
      .lock = PTHREAD_MUTEX_INITIALIZER, .fd = fd, .wanted = wanted && able && isatty(fd)};
  if (s.wanted) read_size(&s);
  return s;
}

// The last column stays empty: some terminals go on to the next row there.
unsigned cli_status_columns(const struct cli_status *s) { return s->columns - 1; }

static bool has_terminal(const struct cli_status *s) { return tcgetpgrp(s->fd) == getpgrp(); }

static bool is_taken(const struct cli_status *s) {
  struct termios mode;
  return tcgetattr(s->fd, &mode) != 0 || (mode.c_lflag & ICANON) == 0;
}

// Make sure that the cursor is not in the last row, then let only those above it scroll.
static void take_row(const struct cli_status *s) {
  char words[64];
  put(s->fd, words, snprintf(words, sizeof words, "\033D\033[A\0337\033[1;%ur\0338", s->rows - 1));
}

static void show(struct cli_status *s, const char *line) {
  char words[512];
  if (is_taken(s)) {  // what is in the last row now may be the program's
    if (s->shown) put(s->fd, "\0337\033[r\0338", 7);
    s->shown = false;
    return;
  }
  unsigned rows = s->rows;
  read_size(s);
  if (s->rows < 4) return;
  if (!s->shown || s->rows != rows) take_row(s);
  s->shown = true;
  put(s->fd, words,
      snprintf(words, sizeof words, "\0337\033[%u;1H\033[2;7m%.*s\033[0m\033[K\0338", s->rows,
               (int)(s->columns < 300 ? s->columns - 1 : 300), line));
}

void cli_status_show(struct cli_status *s, const char *line) {
  pthread_mutex_lock(&s->lock);
  if (s->wanted && has_terminal(s)) show(s, line);
  pthread_mutex_unlock(&s->lock);
}

void cli_status_hide(struct cli_status *s) {
  char words[64];
  pthread_mutex_lock(&s->lock);
  if (s->shown)
    put(s->fd, words, snprintf(words, sizeof words, "\0337\033[r\033[%u;1H\033[K\0338", s->rows));
  s->shown = false;
  pthread_mutex_unlock(&s->lock);
}
