/*
 * parley receipt: draws the evidence pack of a delivered statement.
 */
#include <stdio.h>

#include "cli/anchors.h"
#include "cli/api.h"
#include "cli/output.h"
#include "cli/pack_dir.h"
#include "cli/pack_text.h"
#include "cli/silence_text.h"
#include "cli/text.h"

static parley_err draw(struct cli *c, struct pack *out, const char *id, bool silent, struct errmsg *e) {
  const char *path;
  json_t *answer = NULL;
  parley_err rc = api_path(c, &path, "/v1/statements/", id, silent ? "/receipt?silent=1" : "/receipt", e);
  if (rc == PARLEY_OK) rc = api_get(c, &answer, path, e);
  if (rc == PARLEY_OK) rc = pack_from_json(out, &c->arena, json_object_get(answer, "files"), e);
  json_decref(answer);
  return rc;
}

static void say_where(const struct hash *id, const char *dir) {
  if (dir == NULL)
    out_print(_("\nTo hand it to others: parley receipt %02x%02x%02x%02x%02x%02x --out DIR\n"), id->b[0], id->b[1],
              id->b[2], id->b[3], id->b[4], id->b[5]);
  else
    out_print(_("\nWritten to %s. Check it with parley verify %s, or by hand as its VERIFY.md says.\n"), dir, dir);
}

static int report(struct cli *c, const struct pack_result *r, const char *dir) {
  if (c->json) {
    json_t *o = pack_json(r);
    if (o != NULL && dir != NULL && !out_put_path(c, o, "out", dir)) {
      json_decref(o);
      return cli_no_memory(c);
    }
    return out_json(c, o);
  }
  pack_print(c, r);
  say_where(&r->id, dir);
  return EXIT_DONE;
}

/* It was not delivered, and the node shows what it can. Whoever only looks at the exit status must not take it for a receipt. */
static int silence(struct cli *c, const struct pack *p, const struct anchors *known, const char *dir) {
  struct silence_result r;
  struct errmsg e;
  parley_err rc =
      silence_verify(&r, &c->arena, p, &(struct pack_known){.anchors = known->list, .n_anchors = known->n}, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  int code = EXIT_NOT_REACHED;
  rc = dir != NULL ? pack_dir_write(p, dir, &e) : PARLEY_OK;
  if (rc != PARLEY_OK) {
    code = cli_fail(c, rc, &e);
  } else if (c->json) {
    json_t *o = silence_json(&r);
    if (o != NULL && dir != NULL && !out_put_path(c, o, "out", dir)) {
      json_decref(o);
      code = cli_no_memory(c);
    } else if (out_json(c, o) != EXIT_DONE) {
      code = EXIT_REFUSED;
    }
  } else {
    silence_print(c, &r);
    say_where(&r.pack.id, dir);
  }
  silence_result_clear(&r);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct pack pack;
  struct pack_result result;
  struct anchors known = {0};
  struct errmsg e;
  const char *dir = args_value(a, "out");
  bool verified = false;
  parley_err rc = dir != NULL ? pack_dir_free(dir, &e) : PARLEY_OK;
  if (rc == PARLEY_OK) rc = draw(c, &pack, a->arg[0], args_flag(a, "silent"), &e);
  if (rc == PARLEY_OK) rc = anchors_home(c, &known, &e);
  if (rc == PARLEY_OK && silence_is(&pack)) {
    const int code = silence(c, &pack, &known, dir);
    anchors_free(&known);
    return code;
  }
  if (rc == PARLEY_OK) {
    rc = pack_verify(&result, &c->arena, &pack, &(struct pack_known){.anchors = known.list, .n_anchors = known.n}, &e);
    verified = rc == PARLEY_OK;
  }
  if (rc == PARLEY_OK && dir != NULL) rc = pack_dir_write(&pack, dir, &e);
  const int code = rc == PARLEY_OK ? report(c, &result, dir) : cli_fail(c, rc, &e);
  if (verified) pack_result_clear(&result);
  anchors_free(&known);
  return code;
}

static const struct option options[] = {
    {"out", N_("DIR"), N_("write the evidence pack there; a new or empty folder"), false},
    {"silent", NULL, N_("evidence about the addressees that have not cosigned it"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_receipt = {
    .name = "receipt",
    .usage = N_("ID [--silent] [--out DIR]"),
    .summary = N_("draw the proof that a statement was delivered"),
    .about = N_("Says what can be proved of the statement ID to anybody, without parley: who sent it, when the "
                "addressee's machine held it, who acknowledged it. With --out writes the evidence pack. What is not "
                "delivered, but dated by a neutral witness of the charter, gives EVIDENCE OF NON-DELIVERY instead, and "
                "the exit code 3."),
    .options = options,
    .examples = {"parley receipt 3f9a01c2", "parley receipt 3f9a01c2 --out receipt-3f9a01c2"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
