/*
 * A member that lies. It has two machines with the same keys and different stores, and shows each party one of them: two histories of one
 * log, each with true signatures. It withholds answers, spoils them, sends old checkpoints again to those who were not meant to see them, has
 * a wrong clock, two cards of one serial, and proposes charters that nobody asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "formats/tlog.h"
#include "world.h"

#define FLOOD_BYTES 2000000
#define PREFIX "proof/" /* node/forks.c: proofs that are kept */

bool liar_make(struct world *w) {
  struct home *h = &w->homes[w->n - 1];
  h->liar = true;
  if (!home_twin(w, w->n, h)) return false;
  w->homes[w->n].liar = true;
  w->total = w->n + 1;
  for (unsigned i = 0; i + 1 < w->n; i++)
    if (i == 0 || (i > 1 && one_in(w, 2))) homes_add(&w->second, i); /* one of the first two sees each */
  for (unsigned k = 0; k < 2; k++) w->homes[w->n - 1 + k].wall_offset_s = (int64_t)below(w, 1000000000) - 500000000;
  return true;
}

unsigned liar_machine(const struct world *w, unsigned party) { return w->n - !homes_has(&w->second, party); }

bool liar_apart(const struct world *w, unsigned a, unsigned b) {
  if (!w->has_liar || w->homes[a].liar == w->homes[b].liar) return false;
  return w->homes[a].liar ? a != liar_machine(w, b) : b != liar_machine(w, a);
}

/* ---- what it does of its own accord ---- */

static unsigned victim(struct world *w) { return (unsigned)below(w, w->n - 1); }

static void say(struct home *h) {
  struct world *w = h->w;
  struct buf q = {0};
  struct api api;
  json_t *o = NULL;
  const char *id = "";
  buf_fmt(
      &q,
      "{\"kind\":\"incident.notice\",\"forum\":\"%s\",\"to\":[\"%s\"],\"precedence\":\"ROUTINE\",\"tlp\":\"red\","
      "\"status\":\"test\",\"body\":{\"aware_at\":\"2025-06-15T10:00:00Z\",\"title\":\"A lie\",\"summary\":\"%llu\"}}",
      w->forum, w->homes[victim(w)].name, (unsigned long long)w->step);
  struct node_call *call;
  if (client_call(h, "POST", "/v1/statements", "", buf_view(&q), &api, &call)) {
    if (call)
      client_wait(h, call);
    else if (api.status == 201 && json_parse(&o, buf_view(&api.body), 65536, NULL) == PARLEY_OK &&
             json_get_str(&id, o, "", "id", NULL) == PARLEY_OK)
      liar_said(h, id);
    home_settle(h, false);
  }
  json_decref(o);
  buf_free(&api.body);
  buf_free(&q);
}

void liar_said(struct home *h, const char *id) {
  struct world *w = h->w;
  trace(w, "%s (machine %u) said %.16s", h->name, h->number - w->n + 1, id);
  snprintf(w->said[h->number - w->n + 1], sizeof *w->said, "%s", id);
}

/* As if it went on from what that party holds: the proof cannot show it. */
static void continue_from(struct home *party, struct buf *body, struct bytes lie) {
  struct add_checkpoint q;
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  struct node_log_view v;
  char origin[ORIGIN_MAX + 1];
  if (!add_checkpoint_parse(&q, lie, NULL) && !note_parse(&note, &a, q.note, NULL) &&
      !checkpoint_parse(&c, note.text, NULL)) {
    snprintf(origin, sizeof origin, "%.*s", (int)c.origin.n, (const char *)c.origin.p);
    if (home_log_view(party, origin, &v)) q.old = v.signed_size;
    add_checkpoint_write(body, &q);
  }
  arena_free(&a);
}

static void send_again(struct home *h) {
  struct world *w = h->w;
  struct buf body = {0};
  const unsigned to = victim(w);
  if (!w->n_lies) return;
  const struct bytes lie = buf_view(&w->lies[below(w, w->n_lies)]);
  if (one_in(w, 3))
    buf_bytes(&body, lie);
  else
    continue_from(&w->homes[to], &body, lie);
  network_forge(h, to, "/add-checkpoint", buf_view(&body), 0);
  buf_free(&body);
}

static void two_cards(struct home *h) {
  struct buf envelope = {0};
  const unsigned to = victim(h->w);
  for (uint8_t variant = 1; variant < 3; variant++) {
    if (variant == 2 && one_in(h->w, 2)) break;
    buf_clear(&envelope);
    if (home_rival_card(h, variant, &envelope)) network_forge(h, to, "/propose", buf_view(&envelope), variant);
  }
  buf_free(&envelope);
}

static void charter(struct home *h) {
  struct buf envelope = {0};
  if (forum_proposal(h, &envelope)) network_forge(h, victim(h->w), "/propose", buf_view(&envelope), 0);
  buf_free(&envelope);
}

static void garbage(struct home *h) {
  static const char *const paths[] = {"/add-checkpoint", "/add-entries", "/propose"};
  struct world *w = h->w;
  struct buf body = {0};
  for (uint64_t n = below(w, one_in(w, 6) ? FLOOD_BYTES : 400); n > 0; n--) buf_u8(&body, (uint8_t)chance(w));
  network_forge(h, victim(w), paths[below(w, 3)], buf_view(&body), 0);
  buf_free(&body);
}

void liar_event(struct home *h) {
  switch (below(h->w, 8)) {
  case 0:
  case 1:
  case 2: say(h); break;
  case 3:
  case 4: send_again(h); break;
  case 5: two_cards(h); break;
  case 6: charter(h); break;
  default: garbage(h); break;
  }
}

/* ---- what it does to its node's requests and answers ---- */

static void keep(struct world *w, const struct conn *c) {
  const size_t max = sizeof w->lies / sizeof *w->lies;
  struct buf *at = &w->lies[w->n_lies < max ? w->n_lies++ : below(w, max)];
  buf_clear(at);
  buf_bytes(at, buf_view(&c->body));
}

static void spoil(struct world *w, struct buf *b) {
  if (b->n) b->p[below(w, b->n)] ^= (uint8_t)(1 + below(w, 255));
}

void liar_sends(struct home *h, struct conn *c) {
  struct world *w = h->w;
  if (!strcmp(c->path, "/add-checkpoint")) keep(w, c);
  if (!w->calm && per_mille(w, 40)) spoil(w, &c->body);
}

void liar_answers(struct home *h, struct conn *c) {
  struct world *w = h->w;
  if (w->calm || per_mille(w, 800)) return;
  switch (below(w, 5)) {
  case 0: c->status = 404; break;
  case 1: c->status = 200; break;
  case 2:
    c->status = 200;
    for (uint64_t n = below(w, FLOOD_BYTES); n > 0; n--) buf_u8(&c->answer, 'a');
    break;
  default: spoil(w, &c->answer);
  }
  trace(w, "#%zu is a lie: %u, %zu bytes", c->number, c->status, c->answer.n);
}

/* ---- what the others make of it ---- */

static bool is_of(struct home *machine, const char *origin, const struct checkpoint *c) {
  struct hash root;
  return !machine->up || node_log_root(machine->node, origin, c->size, &root, NULL) || hash_eq(&root, &c->root);
}

static bool reads(struct home *h, const char *id) {
  unsigned status = 0;
  json_t *o;
  char path[96];
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  if (!client_get_json(h, path, "", &status, &o)) return false;
  json_decref(o);
  return status == 200;
}

static parley_err count(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  (void)key, (void)v, (void)e;
  ++*(unsigned *)ctx;
  return PARLEY_OK;
}

static unsigned proofs(struct home *h, const char *party) {
  unsigned n = 0;
  char prefix[NAME_SIZE + 16];
  snprintf(prefix, sizeof prefix, PREFIX "%s%s", party, *party ? "\n" : "");
  store_scan(h->store, STORE_LOGS, bytes_str(prefix), BYTES_NONE, false, count, &n, NULL);
  return n;
}

/* Of two histories a party takes one (docs/protocol.md, section 4), and none once it has the proof. */
static void took_checkpoint(struct world *w, const struct conn *c) {
  struct add_checkpoint q;
  struct arena a = {0};
  struct note note;
  struct checkpoint tree;
  char origin[ORIGIN_MAX + 1];
  if (add_checkpoint_parse(&q, buf_view(&c->body), NULL)) return;
  if (!note_parse(&note, &a, q.note, NULL) && !checkpoint_parse(&tree, note.text, NULL)) {
    const char *name = w->homes[w->n - 1].name;
    snprintf(origin, sizeof origin, "%.*s", (int)tree.origin.n, (const char *)tree.origin.p);
    const bool its = !strncmp(origin, name, strlen(name)); /* it relays those of others */
    for (unsigned k = 0; k < 2 && its && !strstr(origin, "/bulk"); k++)
      w->took[c->to][k] |= !is_of(&w->homes[w->n - 1 + k], origin, &tree);
    if (its && w->took[c->to][0] && w->took[c->to][1])
      violation(w, "I10", "%s took checkpoints of two histories of %s", w->homes[c->to].name, origin);
    if (its && proofs(&w->homes[c->to], name))
      violation(w, "I10", "%s has the proof against %s and takes a checkpoint of it", w->homes[c->to].name, origin);
  }
  arena_free(&a);
}

void liar_believed(struct world *w, const struct conn *c) {
  if (c->rival && (c->status == 200 || c->status == 409)) w->rivals[c->to] |= 1u << c->rival;
  if (c->status == 200 && !strcmp(c->path, "/add-checkpoint")) took_checkpoint(w, c);
}

bool liar_found(struct world *w, char *why, size_t n) {
  const struct home *liar = &w->homes[w->n - 1];
  bool seen[2] = {false, false};
  if (!w->has_liar) return true;
  for (unsigned i = 0; i + 1 < w->n; i++) {
    const unsigned k = liar_machine(w, i) - (w->n - 1);
    if (w->said[k][0] && reads(&w->homes[i], w->said[k])) seen[k] = true;
  }
  if (!seen[0] || !seen[1]) return true; /* one history alone has come to anybody */
  for (unsigned i = 0; i + 1 < w->n; i++)
    if (!proofs(&w->homes[i], liar->name)) {
      snprintf(why, n, "%s has no proof that %s shows two histories", w->homes[i].name, liar->name);
      return false;
    }
  return true;
}

static uint64_t pinned_serial(struct home *h, const char *name) {
  const struct card *c;
  for (size_t i = 0; (c = node_pinned(h->node, i)) != NULL; i++)
    if (!strcmp(c->name, name)) return c->serial;
  return 0;
}

void liar_check(struct home *h) {
  struct world *w = h->w;
  const char *name = w->homes[w->n - 1].name;
  if (proofs(h, "") != (w->has_liar ? proofs(h, name) : 0)) violation(w, "I3", "%s convicts somebody honest", h->name);
  if (w->has_liar && w->rivals[h->number] == 6 && pinned_serial(h, name))
    violation(w, "I10", "%s was told two cards of %s with one serial, and one of them counts", h->name, name);
}
