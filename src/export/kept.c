// export/kept.c -- see kept.h.  The data may be another's: each place in them is checked.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // timegm
#include "export/kept.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "observe/must.h"

enum { MOST_FRAMES_OF_SITE = 4096 };  // more than a stack of 63 addresses comes to, inlined

static double kept_number(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

static const char *kept_word(const json_t *strings, const json_t *place) {
  if (!json_is_integer(place) || json_integer_value(place) < 0) return NULL;
  return json_string_value(json_array_get(strings, (size_t)json_integer_value(place)));
}

// [function, file, line, module, inlined]
static bool read_kept_frame(const json_t *strings, const json_t *j, struct mid_profile_frame *out) {
  const json_t *line = json_array_get(j, 2);
  *out = (struct mid_profile_frame){.function = kept_word(strings, json_array_get(j, 0)),
                                    .file = kept_word(strings, json_array_get(j, 1)),
                                    .module = kept_word(strings, json_array_get(j, 3)),
                                    .inlined = json_integer_value(json_array_get(j, 4)) != 0};
  if (json_integer_value(line) > 0 && json_integer_value(line) <= INT32_MAX)
    out->line = (unsigned)json_integer_value(line);
  return out->function != NULL && out->file != NULL && out->module != NULL;
}

static bool read_kept_stack(const json_t *process, const json_t *stack,
                            struct mid_profile_site *site) {
  const json_t *frames = json_object_get(process, "frames");
  const json_t *strings = json_object_get(process, "strings");
  for (size_t i = 0; i < json_array_size(stack); i++) {
    const json_t *place = json_array_get(stack, i);
    if (!json_is_integer(place) || json_integer_value(place) < 0) return false;
    const json_t *frame = json_array_get(frames, (size_t)json_integer_value(place));
    if (!read_kept_frame(strings, frame, &site->frame[site->frames++])) return false;
  }
  return true;
}

bool mid_kept_is_named(const struct mid_profile_site *site) {
  return site->frames != 1 || strcmp(site->frame[0].function, MID_KEPT_UNNAMED) != 0;
}

// Such a site has one frame, of the function "?".
static void name_unnamed(struct mid_profile_site *site) {
  if (site->frames == 1 && strcmp(site->frame[0].function, "?") == 0)
    site->frame[0].function = MID_KEPT_UNNAMED;
}

// No figure of a site is negative.
static bool read_kept_site(const json_t *process, const json_t *j, struct mid_profile_site *site) {
  if (!read_kept_stack(process, json_object_get(j, "stack"), site)) return false;
  name_unnamed(site);
  double place = kept_number(j, "place");
  site->place = place > 0 && place < (double)site->frames ? (size_t)place : 0;
  site->cut = json_is_true(json_object_get(j, "cut"));
  site->live = kept_number(j, "live_blocks");
  site->live_bytes = kept_number(j, "live_bytes");
  site->live_error = kept_number(j, "live_error");
  site->allocated = kept_number(j, "allocated_blocks");
  site->allocated_bytes = kept_number(j, "allocated_bytes");
  return site->frames > 0 && site->live >= 0 && site->live_bytes >= 0 && site->allocated >= 0 &&
         site->allocated_bytes >= 0;
}

static size_t count_kept_frames(const json_t *sites) {
  size_t count = 0;
  for (size_t i = 0; i < json_array_size(sites); i++) {
    size_t frames = json_array_size(json_object_get(json_array_get(sites, i), "stack"));
    if (frames > MOST_FRAMES_OF_SITE) return 0;
    count += frames;
  }
  return count;
}

static const char *read_kept_sites(struct mid_kept_process *p) {
  const json_t *sites = json_object_get(p->json, "sites");
  size_t room = count_kept_frames(sites), count = json_array_size(sites);
  if (count == 0) return NULL;
  if (room == 0) return "a site's stack is none";
  p->room = mid_must(calloc(room, sizeof *p->room));
  p->site = mid_must(calloc(count, sizeof *p->site));
  struct mid_profile_frame *at = p->room;
  for (; p->sites < count; p->sites++) {
    struct mid_profile_site *site = &p->site[p->sites];
    site->stack = (uint32_t)p->sites + 1;
    site->frame = at;
    if (!read_kept_site(p->json, json_array_get(sites, p->sites), site))
      return "a site names frames that are not there, or figures that are none";
    at += site->frames;
  }
  return NULL;
}

static const char *read_kept_process(const json_t *j, double made, struct mid_kept_process *p) {
  const json_t *process = json_object_get(j, "process");
  p->json = j;
  p->pid = json_integer_value(json_object_get(process, "pid"));
  p->command = json_string_value(json_object_get(process, "command"));
  p->seconds = kept_number(process, "wall_seconds");
  p->began = made > p->seconds ? made - p->seconds : 0;
  if (p->command == NULL) return "a process has no name";
  return read_kept_sites(p);
}

static double read_kept_time(const json_t *j) {
  const char *words = json_string_value(j);
  struct tm parts = {0};
  if (words == NULL || strptime(words, "%Y-%m-%dT%H:%M:%SZ", &parts) == NULL) return 0;
  return (double)timegm(&parts);
}

const char *mid_kept_read(const char *data, size_t bytes, struct mid_kept *out) {
  *out = (struct mid_kept){.json = json_loadb(data, bytes, 0, NULL), .mean = 1};
  const json_t *all = json_object_get(out->json, "processes");
  const char *wrong = out->json == NULL ? "it is no JSON" : NULL;
  out->made = read_kept_time(json_object_get(out->json, "made"));
  out->process = mid_must(calloc(json_array_size(all) + 1, sizeof *out->process));
  for (size_t i = 0; i < json_array_size(all) && wrong == NULL; i++) {
    struct mid_kept_process *p = &out->process[out->count++];
    wrong = read_kept_process(json_array_get(all, i), out->made, p);
    double mean = kept_number(json_object_get(p->json, "sampling"), "mean");
    if (mean > out->mean) out->mean = mean;
  }
  if (wrong != NULL) mid_kept_close(out);
  return wrong;
}

void mid_kept_close(struct mid_kept *k) {
  for (size_t i = 0; i < k->count; i++) {
    free(k->process[i].site);
    free(k->process[i].room);
  }
  free(k->process);
  json_decref(k->json);
  *k = (struct mid_kept){0};
}

const char *mid_kept_program(const struct mid_kept_process *p, char *room, size_t bytes) {
  int length = (int)strcspn(p->command, " "), start = length;
  while (start > 0 && p->command[start - 1] != '/') start--;
  snprintf(room, bytes, "%.*s", length - start, p->command + start);
  return room;
}
