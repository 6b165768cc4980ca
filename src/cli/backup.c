/*
 * parley backup: has the running node copy its home, and shows how far it is.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

#define LOOK_MS 50

/* The node has another working directory. The folder need not be there, so that realpath cannot say. */
static const char *absolute(struct cli *c, const char *dir) {
  char *here = dir[0] == '/' ? NULL : getcwd(NULL, 0);
  const char *path = dir[0] == '/' ? arena_fmt(&c->arena, "%s", dir)
                     : here        ? arena_fmt(&c->arena, "%s/%s", here, dir)
                                   : NULL;
  free(here);
  return path;
}

static void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

static bool running(const json_t *o) { return strcmp(json_text(o, "state"), "running") == 0; }

/* Until it is over; *o is the last answer. */
static parley_err wait_for_it(struct cli *c, json_t **o, struct errmsg *e) {
  struct progress p = {0};
  parley_err rc = PARLEY_OK;
  while (!rc && running(*o)) {
    const json_int_t total = json_integer_value(json_object_get(*o, "total"));
    if (total > 0 && p.total == 0) progress_begin(&p, c, _("Backup"), (uint64_t)total);
    progress_at(&p, (uint64_t)json_integer_value(json_object_get(*o, "bytes")));
    pause_ms(LOOK_MS);
    json_decref(*o);
    *o = NULL;
    rc = api_get(c, o, "/v1/backup", e);
  }
  progress_end(&p);
  return rc;
}

static int run(struct cli *c, const struct args *a) {
  json_t *o = NULL, *q = json_object();
  struct errmsg e;
  const char *dir = absolute(c, a->arg[0]);
  if (dir == NULL || q == NULL || !json_put_str(q, "dir", dir)) {
    json_decref(q);
    return cli_no_memory(c);
  }
  parley_err rc = api_call(c, &o, "POST", "/v1/backup", q, &e);
  if (!rc) rc = wait_for_it(c, &o, &e);
  if (!rc && strcmp(json_text(o, "state"), "done") != 0)
    rc = err_set(&e, PARLEY_EIO, "%s",
                 json_text(o, "message")[0] ? json_text(o, "message") : _("the node forgot the backup"));
  if (rc) {
    json_decref(o);
    return cli_fail(c, rc, &e);
  }
  if (c->json) return out_json(c, o);
  out_print(_("The backup is whole: %s\n"), out_line(c, dir));
  out_text(_("It holds keys: keep it as safe as the node. It does not hold signer/, the node's memory of what it has "
             "signed: whoever restores it "
             "starts the node, looks at parley status, and runs parley recover where signing has stopped. README in it "
             "says the rest."),
           0);
  json_decref(o);
  return EXIT_DONE;
}

static const struct option options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_backup = {
    .name = "backup",
    .usage = N_("DIR"),
    .summary = N_("copy the home while the node runs"),
    .about = N_("Copies keys, cards, pins, settings and the record into DIR, which must be new or empty, while the "
                "node goes on. DIR is "
                "there whole or not at all. It leaves out signer/, which must never be restored."),
    .options = options,
    .examples = {"parley backup /media/safe/parley-2026-11-25"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
