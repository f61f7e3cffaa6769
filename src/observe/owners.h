// observe/owners.h -- when the thread of each heap last came for memory, by look after look at the
// feed.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_OWNERS_H
#define MID_OBSERVE_OWNERS_H

#include "observe/reader.h"

// A heap slot of the feed: later threads use the slot of one that ended.
struct mid_owner {
  uint64_t thread;   // as the process has its number
  uint64_t refills;  // slow paths of malloc that it took so far
  double since;      // seconds of the watch: the first look at which they were as many
};

struct mid_owners {
  struct mid_owner *owner;  // by slot
  size_t count;
};

// A look, `now`, at the feed that was just read into `room`.
void mid_owners_look(struct mid_owners *owners, const struct mid_feed_room *room, double now);
// Since when the thread has not come for memory; negative: it is not known.
double mid_owners_since(const struct mid_owners *owners, uint64_t thread);
void mid_owners_close(struct mid_owners *owners);

#endif
