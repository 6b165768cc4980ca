/*
 * parley config: every option of parley.conf with its default and its present value.
 */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

static const char *shown(struct cli *c, const struct config *cfg, const char *option) {
  struct buf text = {0};
  config_shown(&text, cfg, option);
  const char *s = buf_ok(&text) ? arena_strdup(&c->arena, text.n == 0 ? "" : buf_cstr(&text)) : NULL;
  buf_free(&text);
  return s != NULL ? s : "?";
}

static json_t *option_json(const struct config_option *o, const char *value) {
  json_t *v = json_object();
  if (v != NULL && json_put_str(v, "name", o->name) && json_put_str(v, "default", o->fallback) &&
      json_put_str(v, "value", value) && json_put_str(v, "help", o->help))
    return v;
  json_decref(v);
  return NULL;
}

static int print_json(struct cli *c, const char *path, const struct config *cfg) {
  json_t *o = json_object(), *list = json_array();
  bool ok = o != NULL && json_put_str(o, "file", path);
  for (const struct config_option *p = config_options; ok && p->name != NULL; p++)
    ok = json_array_append_new(list, option_json(p, shown(c, cfg, p->name))) == 0;
  ok = ok && json_object_set(o, "options", list) == 0;
  json_decref(list);
  if (ok) return out_json(c, o);
  json_decref(o);
  return cli_no_memory(c);
}

static const char *quoted(struct cli *c, const char *value) {
  return value[0] != '\0' ? value : arena_strdup(&c->arena, _("(empty)"));
}

static void print_text(struct cli *c, const char *path, const struct config *cfg) {
  if (home_exists(&c->home))
    out_print("%s\n", path);
  else
    out_print(_("%s (there is no home yet: all defaults)\n"), path);
  for (const struct config_option *p = config_options; p->name != NULL; p++) {
    out_print("\n%s = %s\n", p->name, quoted(c, shown(c, cfg, p->name)));
    out_text(p->help, 4);
    out_print(_("    Default: %s\n"), quoted(c, p->fallback));
  }
}

static int run(struct cli *c, const struct args *a) {
  struct config cfg;
  struct errmsg e;
  char path[HOME_PATH_MAX];
  (void)a;
  config_defaults(&cfg);
  parley_err rc = home_exists(&c->home) ? config_read(&cfg, &c->home, &e) : PARLEY_OK;
  if (rc == PARLEY_OK && !home_path(&c->home, path, "parley.conf"))
    rc = err_set(&e, PARLEY_ELIMIT, _("the path of the home is too long: %s"), c->home.dir);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return print_json(c, path, &cfg);
  print_text(c, path, &cfg);
  return EXIT_DONE;
}

static const struct option options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_config = {
    .name = "config",
    .usage = "",
    .summary = N_("show every option with its default and its value"),
    .about = N_("Shows what parley.conf in the home sets, and the default of everything. Edit that file and start "
                "parleyd anew to change something."),
    .options = options,
    .examples = {"parley config", "parley config --json"},
    .run = run,
};
