/*
 * A node with a forum, a log, a mirror and statements both ways, put back to that state before each input: for targets
 * that need all of the core behind what they feed in.
 */
#ifndef PARLEY_TESTS_FUZZ_ONE_NODE_H
#define PARLEY_TESTS_FUZZ_ONE_NODE_H

#include "unit/node_fixture.h"

struct one_node {
  struct rig rig;
  struct rig_party *p; /* the node: cert.us.example; its counterpart ncc.ru.example is down */
  char forum[65];
  char sent[65], received[65]; /* statements: from us, to us */
};

/* Made at the first call, and never freed. */
struct one_node *one_node(void);
/* The node's store as it was made; the node does not run. */
void one_node_reset(struct one_node *o);
/* Starts it; false, with everything freed, when what is stored cannot be read. */
bool one_node_start(struct one_node *o);
void one_node_stop(struct one_node *o);

#endif
