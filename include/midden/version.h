/* midden/version.h -- the version of these headers and of the library.
 * SPDX-License-Identifier: MIT
 */
#ifndef MIDDEN_VERSION_H
#define MIDDEN_VERSION_H

#include "midden/status.h"

#define MIDDEN_VERSION_MAJOR 0
#define MIDDEN_VERSION_MINOR 1
#define MIDDEN_VERSION_PATCH 0
#define MIDDEN_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is loaded, such as "0.1.0". */
MIDDEN_API const char *midden_version(void);

#ifdef __cplusplus
}
#endif

#endif
