/*
 * parley bundle export: everything that a party lacks of a forum, in one file.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/bundle_file.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

struct exporting {
  struct cli *c;
  const struct args *args;
  const char *to;
  const char *since; /* "?since=…" or "" */
  json_t *plan;
  struct bundle_writer w;
  struct progress progress;
  uint64_t entries, total, cosignatures, files; /* total: of all logs, for the progress */
};

/* ---- what is asked for ---- */

static parley_err read_since(struct exporting *x, struct errmsg *e) {
  const char *text = args_value(x->args, "since");
  int64_t seconds = 0;
  char day[TIME_TEXT_SIZE];
  x->since = "";
  if (text == NULL) return PARLEY_OK;
  snprintf(day, sizeof day, "%.10sT00:00:00Z", text);
  if (strcmp(text, "all") != 0 && !time_parse(&seconds, bytes_str(text)) &&
      (strlen(text) != 10 || !time_parse(&seconds, bytes_str(day))))
    return err_set(e, PARLEY_EINVAL,
                   _("--since takes \"all\", a day such as 2026-11-25, or a time such as 2026-11-25T10:00:00Z"));
  x->since = arena_fmt(&x->c->arena, "?since=%lld", (long long)seconds);
  return x->since != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

static parley_err ask_plan(struct exporting *x, struct errmsg *e) {
  const char *forum = args_value(x->args, "forum"), *path;
  if (!party_name_valid(x->to))
    return err_set(e, PARLEY_EINVAL, _("\"%.70s\" is no name of a party; the parties of a forum: parley forum show"),
                   x->to);
  path = arena_fmt(&x->c->arena, "/v1/bundle?for=%s&forum=", x->to);
  if (path == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  parley_err rc = PARLEY_OK;
  if (forum != NULL) rc = api_path(x->c, &path, path, forum, "", e);
  return rc == PARLEY_OK ? api_call(x->c, &x->plan, "POST", path, NULL, e) : rc;
}

/* ---- small entries ---- */

static parley_err add_head(struct exporting *x, struct errmsg *e) {
  struct bundle_head h = {0};
  struct buf text = {0};
  parley_err rc = json_get_hex(h.forum, SHA256_SIZE, x->plan, "", "forum", e);
  if (rc == PARLEY_OK) rc = json_get_time(&h.time, x->plan, "", "time", e);
  if (rc != PARLEY_OK) return rc;
  snprintf(h.from, sizeof h.from, "%s", json_text(x->plan, "from"));
  snprintf(h.to, sizeof h.to, "%s", x->to);
  x->w.mtime = h.time;
  bundle_head_write(&text, &h);
  rc = buf_ok(&text) ? bundle_add(&x->w, &(struct bundle_name){.kind = BUNDLE_HEAD}, buf_view(&text), e)
                     : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  buf_free(&text);
  return rc;
}

static parley_err add_card(struct exporting *x, const char *envelope, struct errmsg *e) {
  struct arena a = {0};
  struct card card;
  bool unproved;
  struct bundle_name name = {.kind = BUNDLE_CARD};
  parley_err rc = card_parse(&card, &a, bytes_str(envelope), NULL, &unproved, e);
  if (rc == PARLEY_OK) {
    snprintf(name.party, sizeof name.party, "%s", card.name);
    name.serial = card.serial;
    rc = bundle_add(&x->w, &name, bytes_str(envelope), e);
  }
  arena_free(&a);
  return rc;
}

static parley_err add_charter(struct exporting *x, const char *envelope, struct errmsg *e) {
  struct arena a = {0};
  struct dsse d;
  struct bundle_name name = {.kind = BUNDLE_CHARTER};
  parley_err rc = dsse_parse(&d, &a, bytes_str(envelope), CHARTER_SIZE_MAX, e);
  if (rc == PARLEY_OK) {
    sha256(name.digest, d.payload);
    rc = bundle_add(&x->w, &name, bytes_str(envelope), e);
  }
  arena_free(&a);
  return rc;
}

static parley_err add_texts(struct exporting *x, const char *member,
                            parley_err (*add)(struct exporting *, const char *, struct errmsg *), struct errmsg *e) {
  const json_t *list = json_object_get(x->plan, member);
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    rc = text != NULL ? add(x, text, e) : err_set(e, PARLEY_EINVAL, _("the node's answer is none"));
  }
  return rc;
}

/* ---- logs ---- */

static parley_err add_part(struct exporting *x, const char *hex, const char *origin, struct bundle_name *name,
                           uint64_t end, struct errmsg *e) {
  struct buf body = {0};
  const char *path = arena_fmt(&x->c->arena, "/v1/bundle/logs/%s/entries/%llu-%llu", hex,
                               (unsigned long long)name->start, (unsigned long long)end);
  parley_err rc = path != NULL ? api_bytes(x->c, &body, NULL, "GET", path, BYTES_NONE, e)
                               : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (rc == PARLEY_OK) rc = bundle_entries_end(name, buf_view(&body), origin, e);
  if (rc == PARLEY_OK) rc = bundle_add(&x->w, name, buf_view(&body), e);
  if (rc == PARLEY_OK) x->entries += name->end - name->start;
  buf_free(&body);
  return rc;
}

static parley_err add_entries(struct exporting *x, const char *hex, const json_t *log, struct bundle_name name,
                              struct errmsg *e) {
  int64_t start = 0, end = 0;
  const char *note = json_text(log, "checkpoint");
  if (note[0] == '\0') return PARLEY_OK;
  parley_err rc = json_get_int(&end, log, "", "end", 0, INT64_MAX >> 10, e);
  if (rc == PARLEY_OK) rc = json_get_int(&start, log, "", "start", 0, end, e);
  name.kind = BUNDLE_CHECKPOINT;
  if (rc == PARLEY_OK) rc = bundle_add(&x->w, &name, bytes_str(note), e);
  name.kind = BUNDLE_ENTRIES;
  for (name.end = (uint64_t)start; rc == PARLEY_OK && name.end < (uint64_t)end;) {
    name.start = name.end;
    rc = add_part(x, hex, json_text(log, "origin"), &name, (uint64_t)end, e);
    progress_at(&x->progress, x->w.written);
  }
  return rc;
}

static parley_err add_cosigned(struct exporting *x, const json_t *log, struct bundle_name name, struct errmsg *e) {
  const json_t *list = json_object_get(log, "cosigned");
  parley_err rc = PARLEY_OK;
  name.kind = BUNDLE_COSIGNED;
  for (size_t i = 0; rc == PARLEY_OK && i < json_array_size(list); i++) {
    const json_t *o = json_array_get(list, i);
    snprintf(name.party, sizeof name.party, "%s", json_text(o, "party"));
    rc = bundle_add(&x->w, &name, bytes_str(json_text(o, "note")), e);
    x->cosignatures++;
  }
  return rc;
}

static parley_err add_log(struct exporting *x, const char *hex, struct errmsg *e) {
  json_t *log = NULL;
  struct buf line = {0};
  struct bundle_name name = {.kind = BUNDLE_ORIGIN};
  const char *path = arena_fmt(&x->c->arena, "/v1/bundle/logs/%s/for/%s%s", hex, x->to, x->since);
  parley_err rc = path != NULL ? api_get(x->c, &log, path, e) : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  const bool empty = json_text(log, "checkpoint")[0] == '\0' && json_array_size(json_object_get(log, "cosigned")) == 0;
  if (rc != PARLEY_OK || empty) {
    json_decref(log);
    return rc;
  }
  buf_fmt(&line, "%s\n", json_text(log, "origin"));
  sha256(name.digest, bytes_str(json_text(log, "origin")));
  rc = buf_ok(&line) ? bundle_add(&x->w, &name, buf_view(&line), e) : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (rc == PARLEY_OK) rc = add_entries(x, hex, log, name, e);
  if (rc == PARLEY_OK) rc = add_cosigned(x, log, name, e);
  buf_free(&line);
  json_decref(log);
  return rc;
}

/* ---- the whole ---- */

/* A bound for the progress: what the store takes. Nobody minds if it ends early. */
static uint64_t store_bytes(struct cli *c) {
  json_t *status = NULL;
  struct errmsg e;
  uint64_t bytes = 0;
  if (api_get(c, &status, "/v1/status", &e) == PARLEY_OK)
    bytes = (uint64_t)json_integer_value(json_object_get(status, "store_bytes"));
  json_decref(status);
  return bytes;
}

static parley_err write_bundle(struct exporting *x, struct errmsg *e) {
  const json_t *logs = json_object_get(x->plan, "logs");
  parley_err rc = bundle_create(&x->w, x->c, args_value(x->args, "out"), x->c->now, e);
  if (rc == PARLEY_OK) rc = add_head(x, e);
  if (rc == PARLEY_OK) rc = add_texts(x, "cards", add_card, e);
  if (rc == PARLEY_OK) rc = add_texts(x, "charters", add_charter, e);
  progress_begin(&x->progress, x->c, _("writing"), store_bytes(x->c));
  for (size_t i = 0; rc == PARLEY_OK && i < json_array_size(logs); i++)
    rc = add_log(x, json_string_value(json_array_get(logs, i)), e);
  if (rc == PARLEY_OK) rc = bundle_finish(&x->w, e);
  progress_end(&x->progress);
  bundle_end(&x->w);
  return rc;
}

static int result(struct exporting *x) {
  struct cli *c = x->c;
  const json_t *warnings = json_object_get(x->plan, "warnings");
  const char *out = args_value(x->args, "out");
  if (!c->json) {
    out_print(_("Written to %s, %s, for %s:\n"), out, out_size(c, x->w.written), x->to);
    out_print(_("  %llu entries, %llu cosignatures of the forum “%s”\n"), (unsigned long long)x->entries,
              (unsigned long long)x->cosignatures, out_line(c, json_text(x->plan, "title")));
    for (size_t i = 0; i < json_array_size(warnings); i++)
      out_print(_("WARNING: not all of ours is in it: %s\n"),
                out_line(c, json_string_value(json_array_get(warnings, i))));
    out_print(_("There: parley bundle import %s\n"), base_name(out));
    return EXIT_DONE;
  }
  json_t *o = json_object();
  const bool ok = o != NULL && out_put_path(c, o, "out", out) && json_put_str(o, "from", json_text(x->plan, "from")) &&
                  json_put_str(o, "for", x->to) && json_put_str(o, "forum", json_text(x->plan, "forum")) &&
                  json_put_int(o, "bytes", (int64_t)x->w.written) && json_put_int(o, "entries", (int64_t)x->entries) &&
                  json_put_int(o, "cosignatures", (int64_t)x->cosignatures) &&
                  (warnings == NULL || json_object_set(o, "warnings", (json_t *)(uintptr_t)warnings) == 0);
  if (ok) return out_json(c, o);
  json_decref(o);
  return cli_no_memory(c);
}

static int run(struct cli *c, const struct args *a) {
  struct exporting x = {.c = c, .args = a, .to = args_value(a, "for"), .w = {.fd = -1}};
  struct errmsg e;
  if (x.to == NULL) return cli_usage(c, "%s", _("for whom? --for PARTY"));
  if (args_value(a, "out") == NULL) return cli_usage(c, "%s", _("where to? --out FILE, a new file"));
  if (read_since(&x, &e) != PARLEY_OK) return cli_usage(c, "%s", e.text);
  parley_err rc = ask_plan(&x, &e);
  if (rc == PARLEY_OK) rc = write_bundle(&x, &e);
  const int code = rc == PARLEY_OK ? result(&x) : cli_fail(c, rc, &e);
  json_decref(x.plan);
  return code;
}

static const struct option options[] = {
    {"for", N_("PARTY"), N_("who will import it"), false},
    {"forum", N_("ID"), N_("of which forum, where there are several"), false},
    {"since", N_("WHEN"), N_("from what they held then: a day, a time, or \"all\""), false},
    {"out", N_("FILE"), N_("write it there; a new file"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_bundle_export = {
    .name = "bundle export",
    .usage = N_("--for PARTY --out FILE [--forum ID] [--since WHEN]"),
    .summary = N_("write what a party lacks into one file"),
    .about =
        N_("Writes into FILE what PARTY is not known to hold of the forum: charter, cards, statements and files of all "
           "members, and the cosignatures that go back to it. It is sealed as on the line: who finds the file "
           "reads no content. Does not wait for a line."),
    .options = options,
    .examples = {"parley bundle export --for ncc.ru.example --out /media/stick/to-ru.bundle",
                 "parley bundle export --for ncc.ru.example --since all --out everything.bundle"},
    .min_args = 0,
    .max_args = 0,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
