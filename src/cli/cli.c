#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/text.h"

int cli_exit(parley_err err) {
  switch (err) {
  case PARLEY_OK: return EXIT_DONE;
  case PARLEY_EUNREACHABLE: return EXIT_NOT_REACHED;
  case PARLEY_EEVIDENCE: return EXIT_EVIDENCE;
  default: return EXIT_REFUSED;
  }
}

/* One object on standard output with --json, one or two sentences on standard error always. */
static void report(struct cli *c, const char *code, const char *text) {
  struct errmsg said; /* what was typed need not be UTF-8 */
  err_set(&said, PARLEY_OK, "%s", text);
  json_t *o = c->json ? json_object() : NULL;
  if (o != NULL && json_put_str(o, "error", code) && json_put_str(o, "message", said.text)) {
    struct buf b = {0};
    if (json_write(&b, o)) fwrite(b.p, 1, b.n, stdout);
    putchar('\n');
    buf_free(&b);
  }
  json_decref(o);
  out_note("parley%s%s: %s\n", c->verb != NULL ? " " : "", c->verb != NULL ? c->verb->name : "", said.text);
}

int cli_fail(struct cli *c, parley_err err, const struct errmsg *e) {
  report(c, err_name(err), e->text);
  return cli_exit(err);
}

int cli_no_memory(struct cli *c) {
  report(c, err_name(PARLEY_ENOMEM), _("out of memory."));
  return EXIT_REFUSED;
}

int cli_usage(struct cli *c, const char *fmt, ...) {
  char text[600];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  report(c, "usage", text);
  if (c->verb != NULL)
    out_note(_("Try: parley %s --help\n"), c->verb->name);
  else
    out_note("%s", _("Try: parley --help\n"));
  return EXIT_USAGE;
}

parley_err cli_need_home(const struct cli *c, struct errmsg *e) {
  if (home_exists(&c->home)) return PARLEY_OK;
  return err_set(e, PARLEY_ENOTFOUND, _("there is no home at %s. Make one with: parley init NAME"), c->home.dir);
}

parley_err cli_own_card(struct cli *c, struct card *out, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  bool unproved;
  parley_err rc = cli_need_home(c, e);
  if (rc == PARLEY_OK && !home_path(&c->home, path, "card.json"))
    rc = err_set(e, PARLEY_ELIMIT, _("the path of the home is too long: %s"), c->home.dir);
  if (rc == PARLEY_OK) rc = file_read(&text, path, CARD_SIZE_MAX, e);
  if (rc != PARLEY_OK) return rc;
  const struct bytes envelope = arena_copy(&c->arena, buf_view(&text));
  buf_free(&text);
  if (envelope.p == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  rc = card_parse(out, &c->arena, envelope, NULL, &unproved, e);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", path);
}
