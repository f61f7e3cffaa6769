// live/top.h -- what `midden top` shows and how keys change it; the screen is screen.h and draw.h.
// SPDX-License-Identifier: MIT
//
//   processes --Enter--> sites --Enter--> the stack of one
//                          '--s--> the columns, to sort by      (? from anywhere: help)
//
// Escape goes back, and ends the program from where it began; q always ends it.
#ifndef MID_LIVE_TOP_H
#define MID_LIVE_TOP_H

#include <stdio.h>

#include "live/list.h"
#include "live/process.h"
#include "live/running.h"
#include "live/sites.h"

enum mid_top_page { MID_TOP_PROCESSES, MID_TOP_SITES, MID_TOP_STACK, MID_TOP_SORT, MID_TOP_HELP };
enum mid_top_prompt { MID_TOP_NO_PROMPT, MID_TOP_SEARCH, MID_TOP_FILTER };
enum mid_top_wish { MID_TOP_NOTHING, MID_TOP_QUIT, MID_TOP_WRITE, MID_TOP_REDRAW };

struct mid_top {
  enum mid_top_page page, below;  // below: where help goes back to
  bool chooses;                   // it began with the list of processes
  double now, interval;           // seconds; of CLOCK_MONOTONIC, and between looks
  bool paused;

  struct mid_running running;
  struct mid_list processes;

  struct mid_live process;
  bool watches;  // `process` is one
  struct mid_series live, rss;
  struct mid_sites sites;
  struct mid_profile profile;
  struct mid_symbols *symbols;
  const char *no_sites;         // why there are none; NULL: there are
  struct mid_site_row **shown;  // the rows of the table
  struct mid_list table;
  double held_until;  // the order of rows stays, for one who moves among them
  enum mid_site_column column;
  bool reverse;

  struct mid_site_row *opened;  // whose stack is shown
  char **line;                  // of the page of text: a stack, or help
  struct mid_list text;
  struct mid_list columns;  // of the menu

  enum mid_top_prompt prompt;
  char typed[80], filter[80], search[80];
  char message[256];
  double message_until;
};

// pid  0: let the user choose
// returns  false: there is no such process
bool mid_top_open(struct mid_top *top, pid_t pid);
void mid_top_close(struct mid_top *top);

// Look at what is shown, unless it is paused.
void mid_top_look(struct mid_top *top);

// `rows` of a list or a text are on the screen.
enum mid_top_wish mid_top_key(struct mid_top *top, int key, size_t rows);

// A line for the foot of the screen, for some seconds.
__attribute__((format(printf, 2, 3))) void mid_top_say(struct mid_top *top, const char *format,
                                                       ...);

// Everything that is shown, and every stack, as JSON; false when `out` could not be written.
bool mid_top_snapshot(const struct mid_top *top, FILE *out);

#endif
