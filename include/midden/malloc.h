/* midden/malloc.h -- Midden's malloc family under names of its own.
 * SPDX-License-Identifier: MIT
 *
 * libmidden also exports the standard names (malloc, free, operator new, ...), which are these
 * functions; a program that must keep its own malloc calls them by these names instead.
 * All are safe from any thread, a block may be freed by any thread, and errno is as the C standard
 * and POSIX say: ENOMEM where NULL is returned, untouched by free.
 */
#ifndef MIDDEN_MALLOC_H
#define MIDDEN_MALLOC_H

#include <stddef.h>

#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Give `p` back.  NULL is ignored; errno is kept.  A pointer that is no live block of this heap
 * stops the program with a sentence that names the address and the crime.
 */
MIDDEN_API void midden_free(void *p);

/* A block that midden_free takes back; so does midden_heap_free (midden/heap.h). */
MIDDEN_API void midden_heap_free(void *p);
#define MIDDEN_BLOCK MIDDEN_GIVEN_BACK_BY(midden_free, 1) MIDDEN_GIVEN_BACK_BY(midden_heap_free, 1)

/* Take `bytes` (0 gives a unique block), aligned to 16, contents undefined.
 * returns NULL and ENOMEM when out of memory or when bytes is over PTRDIFF_MAX
 * cost    a pop from the thread's own list; no atomic operation on the common path
 * source  D. Leijen, B. Zorn, L. de Moura, "Mimalloc: Free List Sharding in Action", APLAS 2019
 */
MIDDEN_API MIDDEN_MEMORY MIDDEN_SIZED(1) MIDDEN_BLOCK void *midden_malloc(size_t bytes);

/* As midden_malloc for count * bytes, zeroed; an overflowing product gives NULL and ENOMEM. */
MIDDEN_API MIDDEN_MEMORY MIDDEN_BLOCK void *midden_calloc(size_t count, size_t bytes);

/* Resize `p` to `bytes`, moving it where needed; NULL and ENOMEM leave `p` as it was.
 * p == NULL allocates; bytes == 0 frees `p` and returns a unique block of minimal size.
 */
MIDDEN_API MIDDEN_SIZED(2) MIDDEN_BLOCK void *midden_realloc(void *p, size_t bytes);
MIDDEN_API MIDDEN_BLOCK void *midden_reallocarray(void *p, size_t count, size_t bytes);

/* `align` is a power of two up to PTRDIFF_MAX / 2, in bytes; otherwise NULL and EINVAL. */
MIDDEN_API MIDDEN_MEMORY MIDDEN_SIZED(2) MIDDEN_BLOCK
    void *midden_aligned_alloc(size_t align, size_t bytes);

/* Bytes that may be used at `p`, at least what was asked for; constant while the block lives. */
MIDDEN_API size_t midden_malloc_usable_size(const void *p);

/* Give back to the system all free memory that this thread and the shared pools hold.
 * returns 1 when anything was given back, else 0
 */
MIDDEN_API int midden_malloc_trim(void);

#ifdef __cplusplus
}
#endif

#endif
