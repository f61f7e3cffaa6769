// span/touch.h -- which big blocks are backed before they are touched; for span/ only, under the
// span lock.
// SPDX-License-Identifier: MIT
//
// One call for many pages costs half of what their faults cost, if the program touches them all,
// and memory that nobody uses if it does not: programs reserve much and touch little.  So it is for
// programs that were seen to touch big blocks whole, and only as far:
//
//   known   the largest block that was seen touched, of late: none over twice that is backed
//   trust   bytes that may still be backed: 64 for each that was seen touched, at most two of the
//           largest blocks; what was seen untouched costs eight times as much
//
// Backing uses trust up, and says nothing of what would have been touched.  When half of it is left
// a place in the next block is left out, where the program shows again what it touches; when none
// is left a block is not backed at all.
#ifndef MID_SPAN_TOUCH_H
#define MID_SPAN_TOUCH_H

#include <stdbool.h>
#include <stddef.h>

enum mid_touch { MID_TOUCH_NONE, MID_TOUCH_MOST, MID_TOUCH_ALL };

// How much to back of a block of `bytes`, `fresh` of them not resident yet.
enum mid_touch mid_touch_expect(size_t bytes, size_t fresh);

// In a block of `bytes` a place was seen that was not backed: of `fresh` bytes that were not
// resident `touched` are now.
void mid_touch_learn(size_t bytes, size_t fresh, size_t touched);

#endif
