/* midden/status.h -- what every call that can fail returns, and the marks that headers use.
 * SPDX-License-Identifier: MIT
 */
#ifndef MIDDEN_STATUS_H
#define MIDDEN_STATUS_H

#if defined(__GNUC__)
#define MIDDEN_API __attribute__((visibility("default")))
#define MIDDEN_CHECKED __attribute__((warn_unused_result))
#else
#define MIDDEN_API
#define MIDDEN_CHECKED
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
