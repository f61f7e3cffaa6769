// heap/ledger.h -- what programs compiled with MIDDEN_DEBUG have open.
// SPDX-License-Identifier: MIT
#ifndef MID_HEAP_LEDGER_H
#define MID_HEAP_LEDGER_H

// `handle` is closed: no more is to be said of it.  Free when nothing was ever opened so.
void mid_ledger_close(const void *handle);

#endif
