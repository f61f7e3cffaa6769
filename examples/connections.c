// examples/connections.c -- a server whose 10,000 connections are blocks of a pool.
// SPDX-License-Identifier: MIT
//
//   cc -O2 examples/connections.c -lmidden && ./a.out [CONNECTIONS]
//
// The server echoes lines.  All memory for its connections is taken and touched before the first
// one comes: accepting a connection and closing it then costs 16 instructions of allocation, never
// waits for memory, and the 10,001st is turned away instead of pushing the machine into swap.  The
// client, a process beside it, opens them all, and then closes and opens them again at random.
#define _GNU_SOURCE
#include <errno.h>
#include <midden/pool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 10000, AGAIN = 20000, EVENTS = 256 };

struct connection {
  int fd;
  unsigned length;  // of what has come of a line
  char line[500];
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

// ---- the server ----

struct server {
  int listener, epoll;
  midden_pool *pool;
  size_t open, most_open, served, turned_away, lines;
};

static void watch(const struct server *server, int fd, void *what) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
  if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void accept_one(struct server *server) {
  int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  struct connection *c = midden_pool_take(server->pool);
  if (c == NULL) {
    server->turned_away++;
    close(fd);
    return;
  }
  c->fd = fd;
  c->length = 0;
  watch(server, fd, c);
  server->served++;
  if (++server->open > server->most_open) server->most_open = server->open;
}

static void drop(struct server *server, struct connection *c) {
  close(c->fd);
  midden_pool_give(server->pool, c);
  server->open--;
}

static void serve_line(struct server *server, struct connection *c) {
  ssize_t got = read(c->fd, c->line + c->length, sizeof c->line - c->length);
  if (got <= 0) {
    drop(server, c);
    return;
  }
  c->length += (unsigned)got;
  if (c->line[c->length - 1] != '\n' && c->length < sizeof c->line) return;
  if (write(c->fd, c->line, c->length) != (ssize_t)c->length) {
    drop(server, c);
    return;
  }
  c->length = 0;
  server->lines++;
}

// Until `expected` connections have come and all are gone.
static void serve(struct server *server, size_t expected) {
  struct epoll_event event[EVENTS];
  while (server->served + server->turned_away < expected || server->open > 0) {
    int count = epoll_wait(server->epoll, event, EVENTS, 10000);
    if (count == 0) errno = ETIMEDOUT, die("the client");
    for (int i = 0; i < count; i++) {
      if (event[i].data.ptr == NULL)
        accept_one(server);
      else
        serve_line(server, event[i].data.ptr);
    }
  }
}

// ---- the client ----

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static size_t at_once = AT_ONCE;

static int connect_one(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  return fd;
}

static void ask(int fd, size_t number) {
  char line[64], answer[64];
  int length = snprintf(line, sizeof line, "hello from connection %zu\n", number);
  if (write(fd, line, (size_t)length) != length) die("write");
  ssize_t got = read(fd, answer, sizeof answer);
  if (got != length || memcmp(line, answer, (size_t)length) != 0) die("another answer");
}

// Ends when every line has been answered.
static void be_clients(void) {
  int *fd = calloc(at_once, sizeof *fd);
  unsigned seed = 1;
  if (fd == NULL) die("calloc");
  for (size_t i = 0; i < at_once; i++) ask(fd[i] = connect_one(), i);
  for (size_t i = 0; i < AGAIN; i++) {
    size_t k = (size_t)rand_r(&seed) % at_once;
    char byte;
    shutdown(fd[k], SHUT_WR);
    if (read(fd[k], &byte, 1) != 0) die("read");  // the server has closed it, too
    close(fd[k]);
    ask(fd[k] = connect_one(), k);
  }
  for (size_t i = 0; i < at_once; i++) close(fd[i]);
  free(fd);
}

// ---- both ----

static void raise_descriptors(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  size_t room = (size_t)limit.rlim_max - 16;
  if (at_once <= room) return;
  printf("descriptors   %zu at most here: %zu connections, not %zu\n", (size_t)limit.rlim_max, room,
         at_once);
  at_once = room;
}

static struct server open_server(void) {
  struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
  if (midden_pool_open(NULL, sizeof(struct connection), at_once, MIDDEN_POOL_FIXED, &server.pool) !=
      MIDDEN_OK)
    die("no memory for the connections");
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "midden-connections-%d",
           (int)getpid());
  server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server.listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(server.listener, 128) != 0) die("listen");
  watch(&server, server.listener, NULL);
  return server;
}

int main(int argc, char **argv) {
  if (argc > 1) at_once = strtoull(argv[1], NULL, 10);
  if (argc > 2 || at_once == 0) {
    fprintf(stderr, "usage: connections [CONNECTIONS]\n");
    return 2;
  }
  raise_descriptors();
  struct server server = open_server();
  fflush(stdout);
  pid_t client = fork();
  if (client < 0) die("fork");
  if (client == 0) {
    be_clients();
    _exit(0);
  }
  midden_stats before = midden_pool_stats(server.pool);
  serve(&server, at_once + AGAIN);
  midden_stats after = midden_pool_stats(server.pool);
  int status = 1;
  waitpid(client, &status, 0);
  printf("connections   %zu at once, %zu served, %zu turned away\n", server.most_open,
         server.served, server.turned_away);
  printf("lines         %zu echoed\n", server.lines);
  printf("memory        %.1f MiB taken at the start, %.1f MiB at the end, %zu blocks in use\n",
         (double)before.committed_bytes / (1 << 20), (double)after.committed_bytes / (1 << 20),
         after.live_blocks);
  midden_pool_close(server.pool);
  return status == 0 && server.lines == at_once + AGAIN && after.live_blocks == 0 ? 0 : 1;
}
