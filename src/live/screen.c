// live/screen.c -- see screen.h.
//
// Signals are let in only while a key is waited for (ppoll), and handled there, outside of the
// handler: to leave, to stop as ^Z has it, and to take another size.  A crash of our own gives the
// terminal back in the handler: better with luck than not at all.
// SPDX-License-Identifier: MIT
#include "live/screen.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "live/list.h"
#include "live/text.h"

enum { ESCAPE_MS = 100 };  // a key's sequence may come in pieces over a slow line

static volatile sig_atomic_t xsignalled;  // the handler writes: to leave by
static volatile sig_atomic_t xstopped, xresized;
static sigset_t open_mask;  // signals that wait may come in
static attr_t look_of[MID_LOOKS];
static short look_pair[MID_LOOKS];  // 0: no colour

// ---- signals ------------------------------------------------------------------------------------

static void on_end(int number) { xsignalled = number; }
static void on_stop(int number) { (void)number, xstopped = 1; }
static void on_size(int number) { (void)number, xresized = 1; }

static void on_crash(int number) {
  endwin();
  raise(number);  // by the default, which SA_RESETHAND brought back
}

static void screen_handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static void take_signals(void) {
  static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  sigset_t held;
  sigemptyset(&held);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    screen_handle(ends[i], on_end, 0);
    sigaddset(&held, ends[i]);
  }
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
    screen_handle(crashes[i], on_crash, (int)(SA_RESETHAND | SA_NODEFER));
  screen_handle(SIGTSTP, on_stop, 0);
  screen_handle(SIGWINCH, on_size, 0);
  sigaddset(&held, SIGTSTP);
  sigaddset(&held, SIGWINCH);
  sigprocmask(SIG_BLOCK, &held, &open_mask);
  sigdelset(&open_mask, SIGTSTP);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) sigdelset(&open_mask, ends[i]);
}

int mid_screen_signal(void) { return xsignalled; }

// ---- the terminal -------------------------------------------------------------------------------

static void choose_looks(bool colour) {
  static const short pairs[MID_LOOKS] = {
      [MID_LIVE] = COLOR_CYAN, [MID_RSS] = COLOR_BLUE, [MID_RISES] = COLOR_YELLOW};
  look_of[MID_BOLD] = A_BOLD;
  look_of[MID_FAINT] = A_DIM;
  look_of[MID_BAR] = look_of[MID_CHOSEN] = A_REVERSE;
  look_of[MID_RISES] = A_BOLD;
  if (!colour || !has_colors() || start_color() == ERR) return;
  use_default_colors();
  for (short i = 0; i < MID_LOOKS; i++) {
    if (pairs[i] != 0 && init_pair(i, pairs[i], -1) != ERR) look_pair[i] = i;
  }
}

const char *mid_screen_open(bool colour) {
  set_escdelay(ESCAPE_MS);
  SCREEN *screen = newterm(NULL, stdout, stdin);
  if (screen == NULL) return "this terminal's kind, as TERM has it, is not known here";
  take_signals();  // ncurses has ideas of its own
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  curs_set(0);
  choose_looks(colour);
  return NULL;
}

void mid_screen_close(void) {
  if (!isendwin()) endwin();
}

unsigned mid_screen_rows(void) { return (unsigned)LINES; }
unsigned mid_screen_columns(void) { return (unsigned)COLS; }

void mid_screen_begin(void) { erase(); }
void mid_screen_end(void) { refresh(); }
void mid_screen_spoilt(void) { clearok(curscr, TRUE); }

void mid_screen_put(unsigned row, unsigned column, unsigned columns, enum mid_look look,
                    const char *words) {
  struct mid_line fitted;
  if (row >= mid_screen_rows() || column >= mid_screen_columns()) return;
  if (columns > mid_screen_columns() - column) columns = mid_screen_columns() - column;
  mid_fit(words, columns, MID_CUT_END, &fitted);
  attr_set(look_of[look], look_pair[look], NULL);
  mvaddstr((int)row, (int)column, fitted.at);
  bool filled = look == MID_BAR || look == MID_CHOSEN;
  for (unsigned n = mid_columns(fitted.at); filled && n < columns; n++) addch(' ');
  attr_set(A_NORMAL, 0, NULL);
}

// ---- keys ---------------------------------------------------------------------------------------

static void take_size(void) {
  struct winsize size;
  xresized = 0;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
    resizeterm(size.ws_row, size.ws_col);
}

// Give the terminal back, stop, and take it again.  Where no shell could wake us the kernel lets us
// go on at once.
static void stop_here(void) {
  sigset_t one, before;
  xstopped = 0;
  endwin();
  screen_handle(SIGTSTP, SIG_DFL, 0);
  raise(SIGTSTP);
  sigemptyset(&one);
  sigaddset(&one, SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &one, &before);
  sigprocmask(SIG_SETMASK, &before, NULL);
  screen_handle(SIGTSTP, on_stop, 0);
  mid_screen_spoilt();
  take_size();
}

static int screen_translate(int key) {
  switch (key) {
    case KEY_UP:
      return MID_KEY_UP;
    case KEY_DOWN:
      return MID_KEY_DOWN;
    case KEY_LEFT:
      return MID_KEY_LEFT;
    case KEY_RIGHT:
      return MID_KEY_RIGHT;
    case KEY_PPAGE:
      return MID_KEY_PAGE_UP;
    case KEY_NPAGE:
      return MID_KEY_PAGE_DOWN;
    case KEY_HOME:
      return MID_KEY_HOME;
    case KEY_END:
      return MID_KEY_END;
    case KEY_BACKSPACE:
    case '\b':
      return MID_KEY_ERASE;
    case KEY_ENTER:
    case '\r':
      return MID_KEY_ENTER;
    case KEY_RESIZE:
      return MID_SCREEN_SIZE;
    default:
      return key < 0x100 ? key : MID_KEY_NONE;
  }
}

int mid_screen_key(double seconds) {
  struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
  struct timespec most = {.tv_sec = (time_t)seconds,
                          .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
  int key = getch();  // what ncurses has read already
  if (key != ERR) return screen_translate(key);
  int ready = ppoll(&terminal, 1, &most, &open_mask);
  if (xsignalled != 0) return MID_SCREEN_OVER;
  if (xstopped) {
    stop_here();
    return MID_SCREEN_SIZE;
  }
  if (xresized) {
    take_size();
    return MID_SCREEN_SIZE;
  }
  if (ready <= 0) return ready < 0 && errno != EINTR ? MID_SCREEN_OVER : MID_SCREEN_LATE;
  key = getch();
  if (key == ERR) return terminal.revents & (POLLHUP | POLLERR) ? MID_SCREEN_OVER : MID_SCREEN_LATE;
  return screen_translate(key);
}
