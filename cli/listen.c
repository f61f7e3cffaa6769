// cli/listen.c -- see listen.h.
// SPDX-License-Identifier: MIT
//
// One thread of libmicrohttpd answers, one after the other, and owns all that it looks at; this one
// waits for a signal.  What is served is read anew at each scrape, and nothing is ever changed.
#include "listen.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "export/formats.h"
#include "live/running.h"
#include "observe/must.h"
#include "observe/page.h"

enum {
  LISTEN_CONNECTIONS = 16,
  LISTEN_TIMEOUT = 10,  // seconds, of a client that says nothing
  LISTEN_NAMED = 64     // sites by live bytes that are named: those that are told are the first 20
};

struct named {
  pid_t pid;
  uint64_t start_ticks;  // another process may get the number later; 0: whichever has it
};

struct listener {
  struct named *named;  // none: all
  size_t names;
  struct mid_running running;
  struct mid_symbols *symbols;
};

// ---- what is told -------------------------------------------------------------------------------

static int holds_more(const void *a, const void *b) {
  const struct mid_profile_site *x = *(struct mid_profile_site *const *)a;
  const struct mid_profile_site *y = *(struct mid_profile_site *const *)b;
  return x->live_bytes < y->live_bytes ? 1 : x->live_bytes > y->live_bytes ? -1 : 0;
}

static void name_largest(struct mid_profile *p, struct mid_symbols *symbols) {
  struct mid_profile_site **sorted = mid_must(calloc(p->sites + 1, sizeof *sorted));
  for (size_t i = 0; i < p->sites; i++) sorted[i] = &p->site[i];
  qsort(sorted, p->sites, sizeof *sorted, holds_more);
  for (size_t i = 0; i < p->sites && i < LISTEN_NAMED; i++) mid_profile_name(p, sorted[i], symbols);
  free(sorted);
}

// Its data; NULL: it has ended, or is not on Midden.
static char *look_at(struct listener *l, const struct named *named, size_t count) {
  struct mid_watch *watch = mid_must(calloc(count + 1, sizeof *watch));
  struct mid_process **process = mid_must(calloc(count + 1, sizeof *process));
  struct mid_watch all = {.process = process};
  size_t opened = 0;
  for (size_t i = 0; i < count; i++) {
    struct mid_watch *w = &watch[opened];
    if (!mid_watch_attach(w, named[i].pid)) continue;
    opened++;
    if (named[i].start_ticks != 0 && named[i].start_ticks != w->process[0]->start_ticks) continue;
    mid_watch_look(w);
    if (!w->process[0]->has_feed) continue;
    process[all.count++] = w->process[0];
    if (w->process[0]->profile != NULL) name_largest(w->process[0]->profile, l->symbols);
  }
  const struct mid_run_story story = {.watch = &all};
  char *data = all.count > 0 ? mid_page_data(&story) : NULL;
  for (size_t i = 0; i < opened; i++) mid_watch_close(&watch[i]);
  free(process);
  free(watch);
  return data;
}

static char *look_at_all(struct listener *l) {
  if (l->names > 0) return look_at(l, l->named, l->names);
  mid_running_read(&l->running);
  struct named *named = mid_must(calloc(l->running.count + 1, sizeof *named));
  for (size_t i = 0; i < l->running.count; i++) named[i].pid = l->running.row[i].pid;
  char *data = look_at(l, named, l->running.count);
  free(named);
  return data;
}

// The page of /metrics, the caller's to free.
static char *make_page(struct listener *l, bool openmetrics, size_t *bytes) {
  struct mid_kept kept = {0};
  char *page = NULL, *data = look_at_all(l);
  if (data != NULL && mid_kept_read(data, strlen(data), &kept) != NULL) kept.count = 0;
  free(data);
  FILE *out = mid_must(open_memstream(&page, bytes));
  mid_export_metrics(&kept, openmetrics, out);
  fclose(out);
  if (kept.json != NULL) mid_kept_close(&kept);
  return page;
}

// ---- answering ----------------------------------------------------------------------------------

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
                              void *page, size_t bytes, enum MHD_ResponseMemoryMode whose) {
  struct MHD_Response *r = MHD_create_response_from_buffer(bytes, page, whose);
  if (r == NULL) return MHD_NO;
  MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(r, "Allow", "GET, HEAD");
  enum MHD_Result queued = MHD_queue_response(c, status, r);
  MHD_destroy_response(r);
  return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *words) {
  char room[128];
  strcpy(room, words);
  return answer(c, status, "text/plain; charset=utf-8", room, strlen(room), MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result serve(void *self, struct MHD_Connection *c, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_bytes, void **request) {
  (void)version, (void)upload, (void)upload_bytes, (void)request;
  if (strcmp(url, "/metrics") != 0)
    return refuse(c, MHD_HTTP_NOT_FOUND, "the figures are at /metrics\n");
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
    return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "the figures can only be read\n");
  const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
  bool openmetrics = accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
  size_t bytes;
  char *page = make_page(self, openmetrics, &bytes);
  return answer(c, MHD_HTTP_OK,
                openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                            : "text/plain; version=0.0.4; charset=utf-8",
                page, bytes, MHD_RESPMEM_MUST_FREE);
}

// ---- the command line ---------------------------------------------------------------------------

// HOST:PORT, where an IPv6 address stands in brackets, as in [::1]:9464.
static struct addrinfo *read_address(const char *words) {
  char host[256], port[16];
  const char *colon = strrchr(words, ':');
  bool brackets = words[0] == '[' && colon != NULL && colon > words && colon[-1] == ']';
  int bytes = colon != NULL ? (int)(colon - words) - 2 * brackets : 0;
  long number = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
  if (bytes <= 0 || bytes >= (int)sizeof host || number < 1 || number > 65535 ||
      strspn(colon + 1, "0123456789") != strlen(colon + 1))
    cli_die(CLI_USAGE, "'%s' is no address to listen at: give one as 127.0.0.1:9464", words);
  snprintf(host, sizeof host, "%.*s", bytes, words + brackets);
  snprintf(port, sizeof port, "%ld", number);
  struct addrinfo *found,
      hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  if (getaddrinfo(host, port, &hints, &found) != 0)
    cli_die(CLI_USAGE, "'%s' is no address to listen at: give one in numbers, as 127.0.0.1:9464",
            words);
  return found;
}

static void read_processes(struct listener *l, struct cli_args *args) {
  l->named = mid_must(calloc((size_t)args->argc + 1, sizeof *l->named));
  while (args->at < args->argc) {
    struct mid_watch watch;
    pid_t pid = cli_read_pid(args->argv[args->at++]);
    if (!mid_watch_attach(&watch, pid))
      cli_die(CLI_UNSEEN, "there is no process %d: 'midden ps' lists those on Midden", (int)pid);
    l->named[l->names++] = (struct named){pid, watch.process[0]->start_ticks};
    mid_watch_close(&watch);
  }
}

static struct MHD_Daemon *open_server(const char *words, struct listener *l) {
  struct addrinfo *address = read_address(words);
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
  if (address->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
  struct MHD_Daemon *server =
      MHD_start_daemon(flags, 0, NULL, NULL, serve, l, MHD_OPTION_SOCK_ADDR, address->ai_addr,
                       MHD_OPTION_CONNECTION_LIMIT, (unsigned)LISTEN_CONNECTIONS,
                       MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LISTEN_TIMEOUT, MHD_OPTION_END);
  int error = errno;
  freeaddrinfo(address);
  if (server == NULL)
    cli_die(CLI_FAILED, "'%s' cannot be listened at: %s: name another address or port", words,
            strerror(error));
  return server;
}

int cli_listen(const char *words, struct cli_args *args) {
  static struct listener l;
  int signal;
  sigset_t set;
  read_processes(&l, args);
  l.symbols = mid_symbols_open();
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);  // before the server's thread begins, which inherits this
  struct MHD_Daemon *server = open_server(words, &l);
  cli_say("http://%s/metrics has the figures; ^C ends it", words);
  sigwait(&set, &signal);
  MHD_stop_daemon(server);
  mid_symbols_close(l.symbols);
  mid_running_close(&l.running);
  free(l.named);
  return 0;
}
