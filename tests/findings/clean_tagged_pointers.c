// tests/findings/clean_tagged_pointers.c -- nodes whose pointers carry a bit of their own.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <stdint.h>
#include <stdlib.h>

struct node {
  uintptr_t next;  // with the colour in its lowest bit
  long value;
};

static uintptr_t head;

static struct node *node_of(uintptr_t word) { return (struct node *)(word & ~(uintptr_t)1); }

int main(void) {
  long sum = 0;
  for (long i = 0; i < 500; i++) {
    struct node *node = malloc(sizeof *node);
    node->value = i;
    node->next = head;
    head = (uintptr_t)node | (i % 3 != 0);
  }
  for (struct node *n = node_of(head); n != NULL; n = node_of(n->next)) sum += n->value;
  return sum != 500 * 499 / 2;  // all of it is held still
}
