/*
 * What is shown of the answers to a statement beside its delivery: that it is disputed, and that it is disclosed.
 */
#include <string.h>

#include "node/answers.h"

/* The ground and the reasons, as far as they can be read here: third parties only see that there is an answer. */
static void put_said(struct node *n, json_t *o, enum answer what, const struct statement *s) {
  struct plain p = {0};
  struct answer_body body;
  if (row_open(n, s, &p, NULL) != PARLEY_OK) return;
  if (answer_body_parse(&body, what, p.body, NULL) == PARLEY_OK) {
    if (what == ANSWER_REJECT) json_put_str(o, "ground", ground_name(body.ground));
    if (body.reasons) json_put_str(o, "reasons", body.reasons);
  }
  plain_clear(&p);
}

static json_t *told(struct node *n, enum answer what, const struct hash *re, const char *party) {
  struct hash id;
  struct row row;
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  json_t *o = NULL;
  if (answer_find(n, what, re, party, &id, NULL) || row_get(n, &id, &row, NULL)) return NULL;
  if (!row_entry(n, &row, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL)) {
    o = json_object();
    json_put_str(o, "party", party);
    json_put_hex(o, "id", id.b, 32);
    json_put_time(o, "issued", s.issued);
    json_put_str(o, "officer", s.officer);
    put_said(n, o, what, &s);
  }
  statement_clear(&s);
  row_clear(&row);
  arena_free(&a);
  return o;
}

void answer_put_rejection(struct node *n, json_t *o, const struct hash *id, const char *party) {
  json_t *rejection = told(n, ANSWER_REJECT, id, party);
  if (!rejection) return;
  json_object_del(rejection, "party");
  json_object_set_new(o, "rejection", rejection);
  json_object_set_new(o, "disputed", json_boolean(answer_disputed(n, id, party)));
}

void answer_put_summary(struct node *n, json_t *o, const struct hash *id, const struct statement *s) {
  json_t *disputed = json_array(), *disclosed = json_array();
  for (size_t i = 0; i < s->n_to; i++) {
    json_t *notice = told(n, ANSWER_DISCLOSED, id, s->to[i]);
    if (answer_disputed(n, id, s->to[i])) json_array_append_new(disputed, json_string(s->to[i]));
    if (notice) json_array_append_new(disclosed, notice);
  }
  if (json_array_size(disputed)) json_object_set(o, "disputed", disputed);
  if (json_array_size(disclosed)) json_object_set(o, "disclosed", disclosed);
  json_decref(disputed);
  json_decref(disclosed);
}
