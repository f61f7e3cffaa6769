// live/screen.h -- the terminal as a full screen of text, given back as it was on every way out.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_SCREEN_H
#define MID_LIVE_SCREEN_H

#include <stdbool.h>

// What words look like.  Colour never says what the words do not say.
enum mid_look {
  MID_PLAIN,
  MID_BOLD,
  MID_FAINT,
  MID_BAR,     // headings and keys: reversed
  MID_CHOSEN,  // the row that is chosen: reversed
  MID_LIVE,    // what is live
  MID_RSS,     // what is resident
  MID_RISES,   // what grows, or is wrong
  MID_LOOKS
};

// Take the terminal on standard input and output.  Signals that end the program give it back first.
// NULL, or a sentence that says why it cannot be.
const char *mid_screen_open(bool colour);
void mid_screen_close(void);

unsigned mid_screen_rows(void);
unsigned mid_screen_columns(void);

// Draw anew: begin, put words, end.  Only what changed is sent.
void mid_screen_begin(void);
// At most `columns` columns of it, filled up with blanks to `columns` where it is reversed.
void mid_screen_put(unsigned row, unsigned column, unsigned columns, enum mid_look look,
                    const char *words);
void mid_screen_end(void);
// Forget what is on the screen: it was written over.
void mid_screen_spoilt(void);

enum { MID_SCREEN_OVER = -1, MID_SCREEN_LATE = -2, MID_SCREEN_SIZE = -3 };
// Wait for a key, at most `seconds`.
// returns  a key of list.h; LATE: there was none; SIZE: draw, the screen has another size or came
//          back; OVER: leave, by a signal or since the terminal is gone
int mid_screen_key(double seconds);
// The signal that said so; 0: none.
int mid_screen_signal(void);

#endif
