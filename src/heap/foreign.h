// heap/foreign.h -- blocks of libc's own malloc; any other address is a crime and the end.
// SPDX-License-Identifier: MIT
#ifndef MID_HEAP_FOREIGN_H
#define MID_HEAP_FOREIGN_H

#include <stddef.h>

void mid_foreign_give(void *p);
void *mid_foreign_resize(void *p, size_t bytes);
size_t mid_foreign_usable(const void *p);

#endif
