// heap/anchor.c -- see anchor.h.
// SPDX-License-Identifier: MIT
#include "heap/anchor.h"

#include "base/options.h"

// It stands here so that the registry in thread.c brings the note along also out of libmidden.a.
struct mid_heap *mid_heaps;
const void *mid_anchor_collected;

const struct mid_anchor mid_anchor = {
    .magic = MID_ANCHOR_MAGIC,
    .layout = MID_ANCHOR_LAYOUT,
    .map_root = mid_map_root,
    .heaps = &mid_heaps,
    .metas = &mid_metas,
    .no_block = &mid_block_none,
    .no_span = &mid_span_none,
    .options = &mid_options,
    .collected = &mid_anchor_collected,
};

// C has no constant that is the distance of two symbols.
__asm__(
    ".pushsection .note.midden, \"a\", %note\n"
    ".balign 4\n"
    ".long 7, 8, 1\n"  // bytes of the name with its NUL and of what follows; MID_ANCHOR_TYPE
    ".asciz \"" MID_ANCHOR_NOTE
    "\"\n"
    ".balign 4\n"
    ".quad mid_anchor - .\n"
    ".popsection");
