/*
 * Kept proofs of two histories: verified again as any stranger would, with the cards at hand as anchors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/audit_state.h"
#include "record/fork.h"

static const char advice[] = "tell the other members and your lawyers; docs/operations.md says what it means";

static struct anchor *anchors(struct audit *a, const char *party, size_t *n) {
  struct anchor *list = NULL;
  *n = 0;
  for (const struct audit_card *c = a->cards.first; c; c = c->next) {
    if (strcmp(c->card.name, party) != 0) continue;
    struct anchor *grown = realloc(list, (*n + 1) * sizeof *grown);
    if (!grown) break; /* then it is only less established */
    list = grown;
    snprintf(list[*n].party, sizeof list[*n].party, "%s", party);
    memcpy(list[(*n)++].fingerprint, c->card.fingerprint, SHA256_SIZE);
  }
  return list;
}

static parley_err verify(struct audit *a, const char *party, struct bytes files, struct errmsg *why) {
  struct arena mem = {0};
  struct pack p;
  struct fork_result r;
  struct pack_known known = {0};
  struct anchor *list = anchors(a, party, &known.n_anchors);
  known.anchors = list;
  parley_err err = fork_read(&p, &mem, files, why);
  if (!err) err = fork_verify(&r, &mem, &p, &known, why);
  free(list);
  arena_free(&mem);
  return err;
}

/* What a mirror saw is told where there is no proof of that log. */
static bool told_already(const struct audit *a, uint32_t log) {
  return log != AUDIT_NO_LOG && a->out->logs[log].forked;
}

parley_err audit_fork_take(struct audit *a, uint32_t ignored, struct bytes item, struct errmsg *e) {
  struct bytes party, origin;
  struct errmsg why = {{0}};
  char who[PARTY_NAME_MAX + 1], text[ORIGIN_MAX + 1];
  (void)ignored;
  if (!bytes_line(&item, &party) || !bytes_line(&item, &origin) || party.n > PARTY_NAME_MAX || origin.n > ORIGIN_MAX)
    return err_set(e, PARLEY_EIO, "a page of proofs cannot be read");
  snprintf(who, sizeof who, "%.*s", (int)party.n, party.n ? (const char *)party.p : "");
  snprintf(text, sizeof text, "%.*s", (int)origin.n, (const char *)origin.p);
  const uint32_t log = audit_log_number(a, text);
  if (!party.n) {
    if (!told_already(a, log))
      audit_found(a, log, AUDIT_FORK, 0, 0, advice, "two histories of %s were seen, and both checkpoints are kept",
                  text);
    a->out->forked = true;
    return PARLEY_OK;
  }
  const parley_err err = verify(a, who, item, &why);
  if (err == PARLEY_ENOMEM) return audit_no_memory(e);
  if (err) {
    audit_found(a, log, AUDIT_FORK, 0, 0, audit_ask,
                "the kept proof that %s signed two histories of %s does not hold: %s", who, text, why.text);
    return PARLEY_OK;
  }
  a->out->forked = true;
  if (log != AUDIT_NO_LOG) a->out->logs[log].forked = true;
  audit_found(a, log, AUDIT_FORK, 0, 0, advice, "the proof is kept, and holds, that %s signed two histories of %s", who,
              text);
  return PARLEY_OK;
}
