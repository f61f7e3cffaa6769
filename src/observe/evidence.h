// observe/evidence.h -- all that is known of a process when its findings are made, and the rules.
// SPDX-License-Identifier: MIT
//
// Rules judge places, not stacks: a leaking line is one trouble, however many callers it has.
#ifndef MID_OBSERVE_EVIDENCE_H
#define MID_OBSERVE_EVIDENCE_H

#include "observe/figures.h"
#include "observe/finding.h"
#include "observe/history.h"

// Lost blocks that have one origin, from a walk of the stopped process.
struct mid_lost {
  uint32_t stack;           // that allocated them; 0: of none it is known
  char name[160];           // then what is known: a type, a size class, neighbours
  double blocks, bytes;     // that nothing points to
  double held, held_bytes;  // that only they lead to
  bool sampled;             // the stack is of one of these blocks; else of ones that look alike
  enum mid_confidence sure;
  const char *why;  // it is no surer, or what makes it certain
};

// A thread whose stack is, or was, deep.
struct mid_deep_stack {
  pid_t tid;
  char name[16];
  uint64_t used, limit;                 // bytes
  const struct mid_profile_site *site;  // of frames that are on it; NULL: not known
  bool first;                           // of the process: its limit is RLIMIT_STACK
  bool overflowed;                      // and the process died of it: then also
  uint64_t calls;                       // that were on it, and
  char cycle[512];                      // "" or what they repeat: "walk calls visit calls walk"
};

// A fault that the process died of, as `midden run --diagnose-crash` saw it.
struct mid_crash {
  int signal;
  pid_t thread;
  char name[16];                        // of the thread
  bool handled;                         // the program had a handler for it, and went on for a while
  char sentence[1536];                  // what it was about
  const struct mid_profile_site *site;  // the stack; NULL: not known
};

// A span of small blocks.
struct mid_filled_span {
  uint64_t block_bytes;
  uint64_t live;  // blocks
};

// Free blocks of one size that others freed, and that wait for the thread which owns their spans.
struct mid_waiting {
  uint64_t thread;  // as the process has its number; 0: it has ended
  char name[16];
  uint64_t block_bytes, blocks;
};

// What a live block holds: equal ones have one hash.  A string is a byte longer than the text that
// it was made of, so that all but the last byte have a hash of their own.
struct mid_content {
  uint64_t block, hash, but_last;
};

// Mappings of one kind, outside the heap: of one name and access.
struct mid_mapped {
  struct mid_mapping map;   // the one of them that grew most
  uint64_t bytes, grew;     // of all of them: resident, and more than before
  size_t mappings, before;  // how many there are, and were then
  double since;             // seconds of the watch
};

// Who keeps the blocks of a place alive.
enum { MID_HOLDER_STEPS = 8 };
struct mid_holder {
  char *function, *file;  // the place
  unsigned line;
  char *step[MID_HOLDER_STEPS];  // from a global or the like to one of its blocks
  size_t steps;
  uint64_t retained;  // bytes that would be free if its blocks went
};

// What the last look at a process told beside its counters.  Made by walk/, freed by its owner.
struct mid_last_facts {
  const struct mid_lost *lost;
  size_t losts;
  const struct mid_deep_stack *deep;
  size_t deeps;
  const struct mid_crash *crash;  // NULL: none
  const struct mid_filled_span *span;
  size_t spans;
  const struct mid_waiting *waiting;
  size_t waitings;
  const struct mid_content *content;  // of large blocks, by address; others are not known
  size_t contents;
  const struct mid_mapped *mapped;  // NULL: none grew
  const struct mid_holder *holder;
  size_t holders;
};

// What the process died of; NULL: it is not known, or was handled and `status`, as wait gave it,
// says that all went well.  status  NULL: not known
const struct mid_crash *mid_process_crash(const struct mid_process *process, const int *status);

// All sites that share a place: function, file and line.  In `sum` are their figures together, and
// the frames of the one that allocated most.
struct mid_place {
  struct mid_profile_site sum;
  const struct mid_profile_site *most;
  const uint32_t *stack;  // `stacks` numbers
  size_t stacks;
};

struct mid_evidence {
  const struct mid_process *process;
  struct mid_figures figures;
  const struct mid_profile *profile;   // NULL: there is none
  const struct mid_history *history;   // NULL: there is none
  const struct mid_last_facts *facts;  // NULL: there was no last look
  uint64_t limit;                      // bytes: of its cgroup; 0: not known
  uint64_t room;                       // bytes that it could still take; 0: not known
  struct mid_place *place;
  size_t places;
  struct mid_place **place_of;  // by the site's place in profile->site; NULL: without a name
  uint32_t *stacks;
};

// Everything is the caller's and must outlast it; of the profile what matters is named.
void mid_evidence_open(struct mid_evidence *e, const struct mid_process *process, uint64_t limit);
void mid_evidence_close(struct mid_evidence *e);

// NULL: the stack is not known, or has no name.
const struct mid_place *mid_evidence_place(const struct mid_evidence *e, uint32_t stack);

// Whose code allocates there is the program's own, so that a user can change it.
bool mid_place_is_own(const struct mid_place *place);

// Live bytes of a place at look `i` of the history.
double mid_evidence_live(const struct mid_evidence *e, const struct mid_place *place, size_t look);

// A rule is a file of finding/.
struct mid_finding_rule {
  const char *kind;    // of its findings, as users write it after --fail-on
  const char *source;  // of the rule
  void (*find)(const struct mid_evidence *e, struct mid_findings *out);
};
// Every rule there is, NULL behind the last: the build makes it of the files in observe/finding/.
extern const struct mid_finding_rule *const mid_finding_rules[];

// All findings of a process, worst first.
void mid_findings_make(const struct mid_evidence *e, struct mid_findings *out);

#endif
