/* midden/bump.h -- the inline step of the allocators that take memory by adding to a pointer.
 * SPDX-License-Identifier: MIT
 */
#ifndef MIDDEN_BUMP_H
#define MIDDEN_BUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the free part of a piece of memory begins and ends; both are multiples of 16. */
typedef struct midden_bump {
  uintptr_t top, limit;
} midden_bump;

/* Take `bytes`, rounded up to 16 and at least that; false when there is no such room.
 * cost  5 instructions when `bytes` is a constant up to 4096
 */
static inline bool midden_bump_take(midden_bump *bump, size_t bytes, void **out) {
  size_t least = bytes + (bytes == 0);
#if defined(__GNUC__)
  /* An address this little past `top` does not wrap, which saves two instructions. */
  if (__builtin_constant_p(bytes) && bytes <= 4096) {
    uintptr_t at = bump->top, end = at + ((least + 15) & ~(size_t)15);
    if (__builtin_expect(end > bump->limit, 0)) return false;
    bump->top = end;
    *out = (void *)at;
    return true;
  }
#endif
  /* The room is a multiple of 16: what fits, fits when rounded up as well. */
  if (least > bump->limit - bump->top) return false;
  *out = (void *)bump->top;
  bump->top += (least + 15) & ~(size_t)15;
  return true;
}

#ifdef __cplusplus
}
#endif

#endif
