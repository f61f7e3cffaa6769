// export/store.c -- see store.h.
// SPDX-License-Identifier: MIT
#include "export/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "observe/must.h"

enum {
  STORE_VERSION = 1,
  STORE_PATIENCE_MS = 5000,  // waited for other writers, each of which takes a few
  STORE_LEVEL = 1            // of zstd: packs JSON to a tenth at 500 MB/s
};

struct mid_store {
  sqlite3 *db;
  char wrong[256];
};

// What SQLite says is wrong, and what to do about it where that is known.
static const char *store_wrong(struct mid_store *s) {
  int code = sqlite3_errcode(s->db) & 0xff;  // without the part that says where
  const char *remedy = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ": move that file away"
                       : code == SQLITE_FULL                           ? ": make room on its disk"
                                                                       : "";
  snprintf(s->wrong, sizeof s->wrong, "%s%s", sqlite3_errmsg(s->db), remedy);
  return s->wrong;
}

// ---- where it is --------------------------------------------------------------------------------

// Each folder on the way that is not there is made, for this user alone.
static bool make_folders(char *path) {
  for (char *at = path + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
    *at = 0;
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    if (!made) return false;
  }
  return true;
}

// A relative path is not to be used, says the XDG base directory specification.
static bool store_path(char *path, size_t bytes) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int n = -1;
  if (state != NULL && *state == '/')
    n = snprintf(path, bytes, "%s/midden/runs.db", state);
  else if (home != NULL && *home == '/')
    n = snprintf(path, bytes, "%s/.local/state/midden/runs.db", home);
  return n > 0 && (size_t)n < bytes;
}

// ---- opening ------------------------------------------------------------------------------------

static bool store_do(struct mid_store *s, const char *sql) {
  return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static sqlite3_stmt *store_ask(struct mid_store *s, const char *sql) {
  sqlite3_stmt *ask = NULL;
  return sqlite3_prepare_v2(s->db, sql, -1, &ask, NULL) == SQLITE_OK ? ask : NULL;
}

static int64_t store_number(struct mid_store *s, const char *sql) {
  sqlite3_stmt *ask = store_ask(s, sql);
  int64_t n = ask != NULL && sqlite3_step(ask) == SQLITE_ROW ? sqlite3_column_int64(ask, 0) : -1;
  sqlite3_finalize(ask);
  return n;
}

// The tables, which the first who comes makes.  What is listed stands before what is large, since
// SQLite reads a row only as far as it is asked for.
static bool store_make(struct mid_store *s) {
  return store_do(s,
                  "PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = WAL;"
                  "BEGIN IMMEDIATE;"
                  "CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                  " started REAL NOT NULL, command TEXT NOT NULL, pid INTEGER NOT NULL,"
                  " exit INTEGER NOT NULL, signal INTEGER NOT NULL, seconds REAL NOT NULL,"
                  " peak_rss INTEGER NOT NULL, live_bytes INTEGER NOT NULL,"
                  " processes INTEGER NOT NULL, findings INTEGER NOT NULL,"
                  " bytes INTEGER NOT NULL, data BLOB NOT NULL);"
                  "PRAGMA user_version = 1;"
                  "COMMIT;");
}
_Static_assert(STORE_VERSION == 1, "as store_make has it");

// A log that is copied back only when it is long, and that is synchronised only then, saves each
// run the wait for a disk; what a power failure can cost are the last runs, not the database.
// returns  NULL, or what is wrong; "": there is none yet, and this is no time to make one
static const char *store_begin(struct mid_store *s, bool to_write) {
  int keep = 1;
  sqlite3_busy_timeout(s->db, STORE_PATIENCE_MS);
  sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
  sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  if (!store_do(s, "PRAGMA trusted_schema = OFF; PRAGMA synchronous = NORMAL"))
    return store_wrong(s);
  int64_t version = store_number(s, "PRAGMA user_version");
  if (version < 0) return store_wrong(s);
  if (version > STORE_VERSION) return "it is of a later version of midden: use that one";
  if (version == 0 && !to_write) return "";
  if (version == 0 && !store_make(s)) return store_wrong(s);
  return NULL;
}

// SQLite would make a file that others may read.
static const char *store_file(char *path, bool to_write) {
  if (access(path, F_OK) == 0) return NULL;
  if (!to_write) return "";
  if (!make_folders(path)) return strerror(errno);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return strerror(errno);
  close(fd);
  return NULL;
}

struct mid_store *mid_store_open(bool to_write, char *room, size_t bytes) {
  char path[PATH_MAX];
  struct mid_store *s = mid_must(calloc(1, sizeof *s));
  *room = 0;
  if (!store_path(path, sizeof path)) {
    snprintf(room, bytes, "neither XDG_STATE_HOME nor HOME is an absolute path: set one");
    free(s);
    return NULL;
  }
  const char *wrong = store_file(path, to_write);
  if (wrong == NULL) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    wrong = sqlite3_open_v2(path, &s->db, flags, NULL) == SQLITE_OK ? store_begin(s, to_write)
                                                                    : store_wrong(s);
  }
  if (wrong == NULL) return s;
  if (*wrong != 0) snprintf(room, bytes, "'%s': %s", path, wrong);
  mid_store_close(s);
  return NULL;
}

void mid_store_close(struct mid_store *s) {
  sqlite3_close(s->db);
  free(s);
}

const char *mid_store_wrong(struct mid_store *s) { return store_wrong(s); }

// ---- keeping ------------------------------------------------------------------------------------

static bool store_done(sqlite3_stmt *ask) {
  bool done = ask != NULL && sqlite3_step(ask) == SQLITE_DONE;
  sqlite3_finalize(ask);
  return done;
}

static bool store_add(struct mid_store *s, const struct mid_store_run *run, const void *packed,
                      size_t bytes) {
  sqlite3_stmt *ask = store_ask(s,
                                "INSERT INTO run (started, command, pid, exit, signal, seconds,"
                                " peak_rss, live_bytes, processes, findings, bytes, data)"
                                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (ask == NULL) return false;
  sqlite3_bind_double(ask, 1, run->started);
  sqlite3_bind_text(ask, 2, run->command, -1, SQLITE_STATIC);
  sqlite3_bind_int64(ask, 3, run->pid);
  sqlite3_bind_int(ask, 4, run->exit);
  sqlite3_bind_int(ask, 5, run->signal);
  sqlite3_bind_double(ask, 6, run->seconds);
  sqlite3_bind_int64(ask, 7, run->peak_rss);
  sqlite3_bind_int64(ask, 8, run->live_bytes);
  sqlite3_bind_int64(ask, 9, run->processes);
  sqlite3_bind_int64(ask, 10, run->findings);
  sqlite3_bind_int64(ask, 11, (int64_t)bytes);
  sqlite3_bind_blob64(ask, 12, packed, bytes, SQLITE_STATIC);
  return store_done(ask);
}

// By age, counted back from the run that was just kept, then by size.  That run itself stays.
static bool store_prune(struct mid_store *s, int64_t newest) {
  sqlite3_stmt *ask =
      store_ask(s,
                "DELETE FROM run WHERE id <> ?1 AND (started <"
                " (SELECT started FROM run WHERE id = ?1) - ?2 * 86400.0"
                " OR id IN (SELECT id FROM (SELECT id, sum(bytes) OVER (ORDER BY id DESC) AS held"
                " FROM run) WHERE held > ?3))");
  if (ask == NULL) return false;
  sqlite3_bind_int64(ask, 1, newest);
  sqlite3_bind_int64(ask, 2, MID_STORE_DAYS);
  sqlite3_bind_int64(ask, 3, MID_STORE_BYTES);
  return store_done(ask);
}

int64_t mid_store_keep(struct mid_store *s, const struct mid_store_run *run, const char *data) {
  size_t bytes = strlen(data), room = ZSTD_compressBound(bytes);
  void *packed = mid_must(malloc(room));
  size_t n = ZSTD_compress(packed, room, data, bytes, STORE_LEVEL);
  int64_t id = 0;
  if (!ZSTD_isError(n) && store_do(s, "BEGIN IMMEDIATE")) {
    if (store_add(s, run, packed, n)) id = sqlite3_last_insert_rowid(s->db);
    if (id == 0 || !store_prune(s, id) || !store_do(s, "COMMIT")) id = 0;
    if (id == 0 && !sqlite3_get_autocommit(s->db))
      sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
  }
  free(packed);
  return id;
}

// ---- reading ------------------------------------------------------------------------------------

static const char *store_words(sqlite3_stmt *ask, int column) {
  const char *words = (const char *)sqlite3_column_text(ask, column);
  return words != NULL ? words : "";
}

bool mid_store_list(struct mid_store *s, void (*visit)(void *, const struct mid_store_run *),
                    void *self) {
  sqlite3_stmt *ask = store_ask(s,
                                "SELECT id, started, command, pid, exit, signal, seconds,"
                                " peak_rss, live_bytes, processes, findings FROM run"
                                " ORDER BY id DESC");
  int step = SQLITE_ERROR;
  while (ask != NULL && (step = sqlite3_step(ask)) == SQLITE_ROW) {
    struct mid_store_run run = {.id = sqlite3_column_int64(ask, 0),
                                .started = sqlite3_column_double(ask, 1),
                                .command = store_words(ask, 2),
                                .pid = sqlite3_column_int64(ask, 3),
                                .exit = sqlite3_column_int(ask, 4),
                                .signal = sqlite3_column_int(ask, 5),
                                .seconds = sqlite3_column_double(ask, 6),
                                .peak_rss = sqlite3_column_int64(ask, 7),
                                .live_bytes = sqlite3_column_int64(ask, 8),
                                .processes = sqlite3_column_int64(ask, 9),
                                .findings = sqlite3_column_int64(ask, 10)};
    visit(self, &run);
  }
  sqlite3_finalize(ask);
  return step == SQLITE_DONE;
}

int64_t mid_store_last(struct mid_store *s) {
  int64_t id = store_number(s, "SELECT max(id) FROM run");
  return id > 0 ? id : 0;
}

static char *store_unpack(const void *packed, size_t bytes) {
  unsigned long long room = ZSTD_getFrameContentSize(packed, bytes);
  if (room > MID_STORE_DATA_BYTES) return NULL;  // also what is no frame, or does not tell
  char *data = mid_must(malloc((size_t)room + 1));
  size_t n = ZSTD_decompress(data, (size_t)room, packed, bytes);
  if (ZSTD_isError(n)) {
    free(data);
    return NULL;
  }
  data[n] = 0;
  return data;
}

char *mid_store_data(struct mid_store *s, int64_t id, bool *damaged) {
  sqlite3_stmt *ask = store_ask(s, "SELECT data FROM run WHERE id = ?");
  char *data = NULL;
  int step = SQLITE_ERROR;
  if (ask != NULL) {
    sqlite3_bind_int64(ask, 1, id);
    step = sqlite3_step(ask);
    if (step == SQLITE_ROW)
      data = store_unpack(sqlite3_column_blob(ask, 0), (size_t)sqlite3_column_bytes(ask, 0));
  }
  sqlite3_finalize(ask);
  *damaged = data == NULL && step != SQLITE_DONE;
  return data;
}

bool mid_store_remove(struct mid_store *s, int64_t id) {
  sqlite3_stmt *ask = store_ask(s, "DELETE FROM run WHERE id = ?");
  if (ask != NULL) sqlite3_bind_int64(ask, 1, id);
  return store_done(ask) && sqlite3_changes(s->db) > 0;
}
