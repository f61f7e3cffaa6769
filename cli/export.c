// cli/export.c -- `midden export`: a run, or what runs, in the formats of other tools.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "export/formats.h"
#include "file.h"
#include "find.h"
#include "listen.h"

enum { PPROF, FOLDED, ALLOCATED, CHROME, OPENMETRICS, LISTEN };  // places in the verb's table

struct export {
  const char *pprof, *folded, *chrome, *openmetrics, *listen;
  bool allocated;
  struct mid_kept kept;
};

static bool print_pprof(const void *self, FILE *out) {
  return mid_export_pprof(&((const struct export *)self)->kept, out);
}
static bool print_folded(const void *self, FILE *out) {
  const struct export *e = self;
  return mid_export_folded(&e->kept, e->allocated, out);
}
static bool print_chrome(const void *self, FILE *out) {
  return mid_export_chrome(&((const struct export *)self)->kept, out);
}
static bool print_metrics(const void *self, FILE *out) {
  return mid_export_metrics(&((const struct export *)self)->kept, true, out);
}

static int write_stdout(const struct export *e, bool (*print)(const void *, FILE *)) {
  errno = EIO;
  return print(e, stdout) && fflush(stdout) == 0 ? 0 : errno;
}

static void write_format(const struct export *e, const char *name,
                         bool (*print)(const void *, FILE *)) {
  if (name == NULL) return;
  int error = strcmp(name, "-") == 0 ? write_stdout(e, print) : cli_file_write(name, print, e);
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", name, strerror(error));
}

static void require_format(const char *name) {
  if (name != NULL && strcmp(name, "-") != 0) cli_file_require(name);
}

static int write_formats(struct export *e, const char *run) {
  require_format(e->pprof);
  require_format(e->folded);
  require_format(e->chrome);
  require_format(e->openmetrics);
  e->kept = cli_run_read(run);
  write_format(e, e->pprof, print_pprof);
  write_format(e, e->folded, print_folded);
  write_format(e, e->chrome, print_chrome);
  write_format(e, e->openmetrics, print_metrics);
  mid_kept_close(&e->kept);
  return 0;
}

static void read_option(struct export *e, int option, const char *value) {
  if (option == PPROF) e->pprof = value;
  if (option == FOLDED) e->folded = value;
  if (option == ALLOCATED) e->allocated = true;
  if (option == CHROME) e->chrome = value;
  if (option == OPENMETRICS) e->openmetrics = value;
  if (option == LISTEN) e->listen = value;
}

int cli_export(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  struct export e = {0};
  const char *run = NULL;
  for (int option; (option = cli_args_next(&args)) >= 0;) read_option(&e, option, args.value);
  bool writes = e.pprof != NULL || e.folded != NULL || e.chrome != NULL || e.openmetrics != NULL;
  if (e.listen != NULL && writes)
    cli_die(CLI_USAGE, "--listen serves what runs, and writes no file: give it alone");
  if (e.listen != NULL) return cli_listen(e.listen, &args);
  if (args.at < argc) run = argv[args.at++];
  for (int option; (option = cli_args_next(&args)) >= 0;) {  // RUN --pprof FILE reads as well
    read_option(&e, option, args.value);
    writes |= option != ALLOCATED && option != LISTEN;
  }
  cli_args_end(&args);
  if (e.listen != NULL) cli_die(CLI_USAGE, "--listen goes before the processes");
  if (run == NULL) cli_die(CLI_USAGE, "no RUN is named: give " CLI_RUNS);
  if (!writes)
    cli_die(CLI_USAGE,
            "nothing is to be written: give --pprof, --folded, --chrome or --openmetrics");
  if (e.allocated && e.folded == NULL) cli_die(CLI_USAGE, "--allocated is for --folded: give both");
  return write_formats(&e, run);
}
