// live/alarm.h -- `midden watch`: a process looked at for long, and what is wrong with its memory.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_ALARM_H
#define MID_LIVE_ALARM_H

#include "live/process.h"
#include "live/series.h"

enum mid_alarm { MID_ALARM_GROWTH, MID_ALARM_LIMIT, MID_ALARM_SWAP, MID_ALARM_GONE, MID_ALARMS };
const char *mid_alarm_name(enum mid_alarm alarm);  // "growth", "limit", "swap", "gone"

// Series begin anew when the process becomes another program.
struct mid_watched {
  struct mid_live process;
  double every;  // seconds between looks
  bool pss_known;
  uint64_t pss;
  double pss_next;  // when it may be read again: the kernel walks the whole process for it
  struct mid_series live, rss, swap;
  bool raised[MID_ALARMS];  // now; not raised again until it was over
};

// false: there is no such process.
bool mid_watched_open(struct mid_watched *w, pid_t pid, double every);
void mid_watched_close(struct mid_watched *w);
void mid_watched_look(struct mid_watched *w);

// The signal by which growth is told: live heap where it is known, else RSS.
const struct mid_series *mid_watched_signal(const struct mid_watched *w);

// Whether `s`, bytes, rises by more than `percent` of itself an hour, at the lower bound of its
// slope, and by 1 MiB and a twentieth at least.
bool mid_series_grows(const struct mid_series *s, double percent, struct mid_trend *out);

// Judge it as it is now: whether `alarm` has to be raised, and then why, in a sentence.
bool mid_watched_judge(struct mid_watched *w, enum mid_alarm alarm, double percent, char *why,
                       size_t bytes);

#endif
