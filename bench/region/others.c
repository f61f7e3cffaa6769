// bench/region/others.c -- what others offer for the same: obstacks, GLib slices, APR pools,
// talloc, and malloc, which is that of the library that is preloaded.
// SPDX-License-Identifier: MIT
#include <apr_general.h>
#include <apr_pools.h>
#include <glib.h>
#include <obstack.h>
#include <talloc.h>

#include "rows.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

static void pairs(size_t objects) { BATCHES(objects, malloc(BYTES), free(p), (void)0); }

static void stack_of_objects(size_t objects) {
  struct obstack stack;
  obstack_init(&stack);
  void *mark = obstack_alloc(&stack, 0);
  BATCHES(objects, obstack_alloc(&stack, BYTES), (void)0,
          (obstack_free(&stack, mark), mark = obstack_alloc(&stack, 0)));
  obstack_free(&stack, NULL);
}

static void slices(size_t objects) {
  BATCHES(objects, g_slice_alloc(BYTES), g_slice_free1(BYTES, p), (void)0);
}

static void apr(size_t objects) {
  apr_pool_t *pool;
  if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
    fail("no APR");
  BATCHES(objects, apr_palloc(pool, BYTES), (void)0, apr_pool_clear(pool));
  apr_terminate();
}

static void talloc_blocks(size_t objects) {
  TALLOC_CTX *context = talloc_new(NULL);
  BATCHES(objects, talloc_size(context, BYTES), talloc_free(p), (void)0);
  talloc_free(context);
}

static const struct row rows[] = {
    {"loop", row_loop}, {"malloc", pairs}, {"obstack", stack_of_objects},
    {"slices", slices}, {"apr-pool", apr}, {"talloc", talloc_blocks},
    {NULL, NULL}};

int main(int argc, char **argv) { return run_row(rows, argc, argv); }
