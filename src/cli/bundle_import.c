/*
 * parley bundle import: each thing in the file goes to the node as if its party had sent it; what is refused is named,
 * with the reason, and the rest goes on.
 */
#include "cli/bundle_import.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

#define SHOWN_MAX 20 /* refusals that people are shown; --json has them all, as far as REFUSALS_MAX */
#define REFUSALS_MAX 10000

/* ---- what stands before the logs ---- */

static enum outcome stopped(struct errmsg *e) {
  err_set(e, PARLEY_ENOMEM, "%s", _("out of memory"));
  return OUT_STOPPED;
}

static enum outcome import_card(struct importing *im, struct errmsg *e) {
  struct arena a = {0};
  struct buf out = {0};
  struct card card;
  bool unproved;
  unsigned status = 0;
  if (bundle_data(&im->r, &im->data, e) != PARLEY_OK) return OUT_STOPPED;
  parley_err rc = card_parse(&card, &a, buf_view(&im->data), NULL, &unproved, e);
  if (rc == PARLEY_OK && (strcmp(card.name, im->r.name.party) != 0 || card.serial != im->r.name.serial))
    rc = err_set(e, PARLEY_EINVAL, "%s", _("it is another card than its name says"));
  arena_free(&a);
  if (rc != PARLEY_OK) return OUT_REFUSED;
  if (strcmp(im->r.name.party, im->self) == 0) return OUT_HELD;
  rc = api_bytes(im->c, &out, &status, "POST", "/v1/successor", buf_view(&im->data), e);
  buf_free(&out);
  if (status == 201) return OUT_TAKEN;
  if (rc == PARLEY_OK || status == 404) return OUT_HELD; /* of a party that is not pinned: people decide on that */
  return import_failed(im, status, rc);
}

static enum outcome take_charter(struct importing *im, const struct buf *out, struct errmsg *e) {
  json_t *o = NULL;
  if (json_parse(&o, buf_view(out), 65536, e) != PARLEY_OK) return OUT_STOPPED;
  const bool waits = strcmp(json_text(o, "state"), "proposed") == 0;
  if (waits) snprintf(im->waiting_forum, sizeof im->waiting_forum, "%s", json_text(o, "forum"));
  im->waits = im->waits || waits;
  im->in_force = im->in_force || strcmp(json_text(o, "state"), "in_force") == 0;
  json_array_append(im->charters, o);
  json_decref(o);
  return OUT_TAKEN;
}

static enum outcome import_charter(struct importing *im, struct errmsg *e) {
  struct arena a = {0};
  struct buf out = {0};
  struct dsse d;
  uint8_t digest[SHA256_SIZE];
  unsigned status = 0;
  if (bundle_data(&im->r, &im->data, e) != PARLEY_OK) return OUT_STOPPED;
  parley_err rc = dsse_parse(&d, &a, buf_view(&im->data), CHARTER_SIZE_MAX, e);
  if (rc == PARLEY_OK) {
    sha256(digest, d.payload);
    if (memcmp(digest, im->r.name.digest, SHA256_SIZE) != 0)
      rc = err_set(e, PARLEY_EINVAL, "%s", _("it is another charter than its name says"));
  }
  arena_free(&a);
  if (rc != PARLEY_OK) return OUT_REFUSED;
  const char *path = arena_fmt(&im->c->arena, "/v1/bundle/charter?from=%s", im->head.from);
  if (path == NULL) return stopped(e);
  rc = api_bytes(im->c, &out, &status, "POST", path, buf_view(&im->data), e);
  const enum outcome o = rc == PARLEY_OK ? take_charter(im, &out, e) : import_failed(im, status, rc);
  buf_free(&out);
  return o;
}

/* ---- the walk ---- */

static enum outcome import_one(struct importing *im, struct errmsg *e) {
  switch (im->r.name.kind) {
  case BUNDLE_CARD: return import_card(im, e);
  case BUNDLE_CHARTER: return import_charter(im, e);
  case BUNDLE_ORIGIN: return import_origin(im, e);
  case BUNDLE_CHECKPOINT: return import_checkpoint(im, e);
  case BUNDLE_ENTRIES: return import_entries(im, e);
  case BUNDLE_COSIGNED: return import_cosigned(im, e);
  case BUNDLE_HEAD: break;
  }
  err_set(e, PARLEY_EREFUSED, "%s", _("a bundle has this once, at its beginning"));
  return OUT_REFUSED;
}

static void refused(struct importing *im, const char *name, const struct errmsg *why) {
  if (im->refused++ >= REFUSALS_MAX) return;
  json_t *o = json_object();
  json_put_str(o, "name", out_line(im->c, name));
  json_put_str(o, "reason", why->text);
  json_array_append_new(im->refusals, o);
}

static parley_err import_all(struct importing *im, struct errmsg *e) {
  struct progress p;
  struct errmsg why = {""};
  enum outcome o = OUT_HELD;
  enum bundle_step step = BUNDLE_OVER;
  progress_begin(&p, im->c, _("importing"), im->r.size);
  while (o != OUT_STOPPED && (step = bundle_next(&im->r, &why)) < BUNDLE_OVER) {
    o = step == BUNDLE_REFUSED ? OUT_REFUSED : import_one(im, &why);
    im->taken += o == OUT_TAKEN;
    im->held += o == OUT_HELD;
    if (o == OUT_REFUSED) refused(im, im->r.block.name, &why);
    progress_at(&p, im->r.at);
  }
  progress_end(&p);
  import_log_end(im);
  if (o == OUT_STOPPED || step == BUNDLE_FAILED) return *e = why, im->stop ? im->stop : PARLEY_EIO;
  if (step == BUNDLE_CUT) refused(im, base_name(im->r.path), &why);
  return PARLEY_OK;
}

/* ---- the report ---- */

static void print_charters(const struct importing *im) {
  size_t i;
  const json_t *o;
  json_array_foreach(im->charters, i, o) {
    const char *title = out_line(im->c, json_text(o, "title")), *state = json_text(o, "state");
    if (strcmp(state, "proposed") == 0)
      out_print(_("  the charter “%s” waits for your signature: parley forum accept %.12s\n"), title,
                json_text(o, "forum"));
    else if (strcmp(state, "signed") == 0)
      out_print(_("  the charter “%s” waits for the signatures of others\n"), title);
    else
      out_print(_("  the charter “%s” is in force\n"), title);
  }
}

static void print_refusals(const struct importing *im) {
  size_t i;
  const json_t *o;
  if (im->refused == 0) return;
  out_print(_("Refused:\n"));
  json_array_foreach(im->refusals, i, o) {
    if (i == SHOWN_MAX) break;
    out_print("  %s: %s\n", json_text(o, "name"), out_line(im->c, json_text(o, "reason")));
  }
  if (im->refused > SHOWN_MAX)
    out_print(_("  and %llu more; --json names them\n"), (unsigned long long)(im->refused - SHOWN_MAX));
}

static int report_text(struct importing *im) {
  struct cli *c = im->c;
  out_print(_("From %s, for %s, made %s:\n"), im->head.from, im->head.to, out_time(c, im->head.time));
  print_charters(im);
  out_print(_("  new here: %llu statements, %llu pieces of files, %llu cosignatures of our logs\n"),
            (unsigned long long)im->entries, (unsigned long long)im->files, (unsigned long long)im->cosignatures);
  print_refusals(im);
  if (im->back > 0)
    out_print(
        _("Now export one for %s: it carries %llu cosignatures back.\n  parley bundle export --for %s --out FILE\n"),
        im->head.from, (unsigned long long)im->back, im->head.from);
  return im->refused > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static int report(struct importing *im) {
  char time[TIME_TEXT_SIZE], forum[2 * SHA256_SIZE + 1];
  if (!im->c->json) return report_text(im);
  json_t *o = json_object();
  time_format(time, im->head.time);
  hex_encode(forum, BYTES(im->head.forum, SHA256_SIZE));
  const bool ok =
      o != NULL && json_put_str(o, "from", im->head.from) && json_put_str(o, "for", im->head.to) &&
      json_put_str(o, "forum", forum) && json_put_str(o, "time", time) &&
      json_object_set(o, "charters", im->charters) == 0 && json_object_set(o, "logs", im->logs) == 0 &&
      json_put_int(o, "taken", (int64_t)im->taken) && json_put_int(o, "held", (int64_t)im->held) &&
      json_put_int(o, "statements", (int64_t)im->entries) && json_put_int(o, "pieces", (int64_t)im->files) &&
      json_put_int(o, "cosignatures", (int64_t)im->cosignatures) &&
      json_put_int(o, "cosignatures_back", (int64_t)im->back) &&
      json_put_int(o, "refused_count", (int64_t)im->refused) && json_object_set(o, "refused", im->refusals) == 0;
  if (!ok) {
    json_decref(o);
    return cli_no_memory(im->c);
  }
  const int code = out_json(im->c, o);
  return code == EXIT_DONE && im->refused > 0 ? EXIT_REFUSED : code;
}

static int run(struct cli *c, const struct args *a) {
  struct importing im = {
      .c = c, .r = {.fd = -1}, .refusals = json_array(), .logs = json_array(), .charters = json_array()};
  struct errmsg e;
  struct card own;
  parley_err rc = cli_own_card(c, &own, &e);
  im.self = own.name;
  if (rc == PARLEY_OK) rc = bundle_open(&im.r, a->arg[0], &e);
  if (rc == PARLEY_OK) rc = bundle_begin(&im.r, &im.head, &e);
  if (rc == PARLEY_OK && strcmp(im.head.from, im.self) == 0)
    rc = err_set(&e, PARLEY_EINVAL, _("%s is a bundle of our own; it is for %s"), a->arg[0], im.head.to);
  if (rc == PARLEY_OK) rc = import_all(&im, &e);
  const int code = rc == PARLEY_OK ? report(&im) : cli_fail(c, rc, &e);
  bundle_close(&im.r);
  buf_free(&im.data);
  json_decref(im.refusals);
  json_decref(im.logs);
  json_decref(im.charters);
  return code;
}

static const struct option options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_bundle_import = {
    .name = "bundle import",
    .usage = N_("FILE"),
    .summary = N_("take in what a file carries"),
    .about = N_("Takes in the bundle FILE, each thing in it as if its party had sent it: by the same rules, bounds and "
                "proofs. What is held already is passed over, what is refused is named with the reason, and the rest "
                "goes on; import it again whenever it was interrupted."),
    .options = options,
    .examples = {"parley bundle import /media/stick/to-us.bundle", "parley bundle import to-us.bundle --json"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
