// base/status.c -- names of statuses, and the version.
// SPDX-License-Identifier: MIT
#include "midden/status.h"

#include "midden/version.h"

const char *midden_status_name(midden_status status) {
  switch (status) {
    case MIDDEN_OK:
      return "ok";
    case MIDDEN_NOMEM:
      return "no memory";
    case MIDDEN_INVALID:
      return "invalid argument";
    case MIDDEN_OS:
      return "refused by the system";
  }
  return "unknown status";
}

const char *midden_version(void) { return MIDDEN_VERSION; }
