/* midden/status.h -- what every call that can fail returns, and the marks that headers use.
 * SPDX-License-Identifier: MIT
 */
#ifndef MIDDEN_STATUS_H
#define MIDDEN_STATUS_H

#if defined(__GNUC__)
#define MIDDEN_API __attribute__((visibility("default")))
#define MIDDEN_CHECKED __attribute__((warn_unused_result))
#define MIDDEN_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
/* Returns memory that nothing else points to, of as many bytes as argument `size` says. */
#define MIDDEN_MEMORY __attribute__((malloc))
#define MIDDEN_SIZED(size) __attribute__((alloc_size(size)))
#else
#define MIDDEN_API
#define MIDDEN_CHECKED
#define MIDDEN_PRINTF(text, first)
#define MIDDEN_MEMORY
#define MIDDEN_SIZED(size)
#endif

/* The memory that is returned is given back by `give`, as its argument number `index`: `gcc
 * -fanalyzer` then finds leaks, double frees, uses after free, and frees by the wrong function.
 * Only gcc 11 and later. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define MIDDEN_GIVEN_BACK_BY(give, index) __attribute__((malloc(give, index)))
#else
#define MIDDEN_GIVEN_BACK_BY(give, index)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Results go through the last pointer argument and are written only on MIDDEN_OK. */
typedef enum midden_status {
  MIDDEN_OK = 0,
  MIDDEN_NOMEM,   /* the system, a limit of the process or `heap_limit` refused memory */
  MIDDEN_INVALID, /* an argument lies outside what the call documents */
  MIDDEN_OS       /* the operating system refused; errno tells why */
} midden_status;

/* A short English name of `status`, never NULL.  threads: any. */
MIDDEN_API const char *midden_status_name(midden_status status);

#ifdef __cplusplus
}
#endif

#endif
