#include "forum/versions.h"

#include <string.h>

bool version_lists(const struct charter *c, const uint8_t digest[static SHA256_SIZE]) {
  for (size_t i = 0; i < c->n_replaces; i++)
    if (memcmp(c->replaces[i], digest, SHA256_SIZE) == 0) return true;
  return false;
}

size_t versions_find(const struct version_set *s, const uint8_t digest[static SHA256_SIZE]) {
  for (size_t i = 0; i < s->n; i++)
    if (memcmp(s->v[i].charter->digest, digest, SHA256_SIZE) == 0) return i;
  return VERSION_NONE;
}

/* ---- complete ---- */

static bool has_signed(const struct charter *c, const bool *signed_by, const struct charter_member *m) {
  return signed_by[m - c->members];
}

/*
 * What version p demands: of its members with a say that stay, all have signed, or as many as its threshold says. At least half of
 * those with a say stay, and one: else a few could throw out the others, or a stranger all.
 */
static bool demand_met(const struct charter *p, const struct charter *c, const bool *signed_by) {
  size_t voters = 0, stay = 0, have = 0;
  for (size_t i = 0; i < p->n_members; i++) {
    if (!member_role_votes(p->members[i].role)) continue;
    const struct charter_member *m = charter_member(c, p->members[i].name);
    voters++;
    if (m == NULL) continue;
    stay++;
    have += has_signed(c, signed_by, m);
  }
  const bool by_threshold = strcmp(p->adoption, "threshold") == 0 && (size_t)p->threshold < stay;
  return stay > 0 && 2 * stay >= voters && have >= (by_threshold ? (size_t)p->threshold : stay);
}

/* The member is in none of the versions replaced, so its own signature is needed. */
static bool is_admitted(const struct charter_member *m, const struct charter *const *listed, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (charter_member(listed[i], m->name) != NULL) return false;
  return true;
}

bool version_complete(const struct charter *c, const bool *signed_by, const struct charter *const *listed, size_t n) {
  if (n == 0 && c->n_replaces > 0) return false;
  for (size_t i = 0; i < c->n_members; i++)
    if (!signed_by[i] && is_admitted(&c->members[i], listed, n)) return false;
  for (size_t i = 0; i < n; i++)
    if (!demand_met(listed[i], c, signed_by)) return false;
  return true;
}

bool version_wants(const struct charter *c, const bool *signed_by, const struct charter *const *listed, size_t n,
                   size_t member) {
  const struct charter_member *m = &c->members[member];
  if (signed_by[member] || version_complete(c, signed_by, listed, n)) return false;
  if (is_admitted(m, listed, n)) return true;
  for (size_t i = 0; i < n; i++) {
    const struct charter_member *was = charter_member(listed[i], m->name);
    if (was != NULL && member_role_votes(was->role) && !demand_met(listed[i], c, signed_by)) return true;
  }
  return false;
}

/* ---- the set ---- */

/* Places of the listed versions that are here. */
struct links {
  size_t at[CHARTER_REPLACES_MAX], n;
  bool done;
};

static size_t words(const struct version_set *s) { return (s->n + 63) / 64; }

static uint64_t *row(const struct version_set *s, size_t i) { return s->before + i * words(s); }

bool versions_before(const struct version_set *s, size_t i, size_t j) { return row(s, j)[i / 64] >> i % 64 & 1; }

static void link_up(const struct version_set *s, struct links *links) {
  for (size_t i = 0; i < s->n; i++) {
    const struct charter *c = s->v[i].charter;
    for (size_t k = 0; k < c->n_replaces; k++) {
      const size_t at = versions_find(s, c->replaces[k]);
      if (at != VERSION_NONE) links[i].at[links[i].n++] = at;
    }
  }
}

static bool is_due(const struct links *links, size_t i) {
  for (size_t k = 0; k < links[i].n; k++)
    if (!links[links[i].at[k]].done) return false;
  return !links[i].done;
}

/* Those that it lists are judged already. */
static void judge_one(struct version_set *s, const struct links *l, size_t i) {
  struct version *v = &s->v[i];
  const struct charter *listed[CHARTER_REPLACES_MAX];
  size_t n = 0;
  for (size_t k = 0; k < l->n; k++)
    if (s->v[l->at[k]].complete) listed[n++] = s->v[l->at[k]].charter;
  if (!v->given) v->complete = version_complete(v->charter, v->signed_by, listed, n);
  for (size_t k = 0; k < l->n && v->complete; k++) {
    const size_t p = l->at[k];
    if (!s->v[p].complete) continue;
    for (size_t w = 0; w < words(s); w++) row(s, i)[w] |= row(s, p)[w];
    row(s, i)[p / 64] |= UINT64_C(1) << p % 64;
    if (s->v[p].depth + 1 > v->depth) v->depth = s->v[p].depth + 1;
  }
}

static bool is_holding(const struct version_set *s, size_t i) {
  if (!s->v[i].complete) return false;
  for (size_t j = 0; j < s->n; j++)
    if (j != i && s->v[j].complete && !versions_before(s, i, j) && !versions_before(s, j, i)) return false;
  return true;
}

/* Any two that hold are ancestor and descendant, so the last of them has all others as ancestors. */
static size_t last_holding(const struct version_set *s) {
  size_t last = VERSION_NONE;
  for (size_t i = 0; i < s->n; i++)
    if (s->v[i].holds && (last == VERSION_NONE || versions_before(s, last, i))) last = i;
  return last;
}

parley_err versions_judge(struct version_set *s, struct arena *a, struct errmsg *e) {
  if (s->n > VERSIONS_MAX)
    return err_set(e, PARLEY_ELIMIT, "%zu versions of one charter, at most %d are judged", s->n, VERSIONS_MAX);
  struct links *links = arena_alloc(a, (s->n + 1) * sizeof *links);
  s->before = arena_alloc(a, (s->n * words(s) + 1) * sizeof *s->before);
  if (links == NULL || s->before == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < s->n; i++) {
    s->v[i].complete = s->v[i].given && s->v[i].complete;
    s->v[i].depth = 0;
  }
  link_up(s, links);
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < s->n; i++) {
      if (!is_due(links, i)) continue;
      judge_one(s, &links[i], i);
      links[i].done = more = true;
    }
  }
  for (size_t i = 0; i < s->n; i++) s->v[i].holds = is_holding(s, i);
  s->in_force = last_holding(s);
  return PARLEY_OK;
}
