#include "cli/audit_report.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

#define EVERY_MS 100
#define BAR_WIDTH 30
#define BAR_FROM 4096 /* entries; fewer are over before a bar can be read */

void audit_report_begin(struct audit_report *r, struct cli *c) {
  *r = (struct audit_report){.c = c, .bar = !c->json && isatty(STDERR_FILENO)};
  if (c->json) r->problems = json_array();
}

static void bar_off(struct audit_report *r) {
  if (r->shown) fputs("\r\033[K", stderr);
  r->shown = false;
}

static json_t *problem_json(const struct audit_problem *p) {
  json_t *o = json_object();
  json_put_str(o, "kind", audit_kind_name(p->kind));
  json_put_str(o, "origin", p->origin);
  json_put_int(o, "index", (int64_t)p->index);
  if (p->kind == AUDIT_TILE) json_put_int(o, "level", p->level);
  json_put_str(o, "what", p->what);
  json_put_str(o, "advice", p->advice);
  return o;
}

void audit_report_problem(void *ctx, const struct audit_problem *p) {
  struct audit_report *r = ctx;
  if (r->told++ >= AUDIT_TOLD_MAX) return;
  if (r->problems != NULL) {
    json_array_append_new(r->problems, problem_json(p));
    return;
  }
  bar_off(r);
  if (p->origin[0] != '\0')
    out_print(_("%s: %s: %s. What to do: %s.\n"), out_line(r->c, p->origin), audit_kind_name(p->kind),
              out_line(r->c, p->what), p->advice);
  else
    out_print(_("%s: %s. What to do: %s.\n"), audit_kind_name(p->kind), out_line(r->c, p->what), p->advice);
}

void audit_report_progress(void *ctx, uint64_t done, uint64_t all) {
  struct audit_report *r = ctx;
  const int64_t now = mono_ms();
  if (!r->bar || all < BAR_FROM || (r->shown && now - r->last_ms < EVERY_MS)) return;
  char bar[BAR_WIDTH + 1];
  for (size_t i = 0; i < BAR_WIDTH; i++) bar[i] = i < done * BAR_WIDTH / all ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  r->shown = true;
  r->last_ms = now;
  fputs("\r\033[K", stderr);
  fprintf(stderr, _("[%s] %3d %%  %llu of %llu entries"), bar, (int)(done * 100 / all), (unsigned long long)done,
          (unsigned long long)all);
  fflush(stderr);
}

/* ---- the end ---- */

static json_t *counts_json(const struct audit_counts *n) {
  json_t *o = json_object();
  json_put_int(o, "entries", (int64_t)n->entries);
  json_put_int(o, "tiles", (int64_t)n->tiles);
  json_put_int(o, "signatures", (int64_t)n->signatures);
  json_put_int(o, "checkpoints", (int64_t)n->checkpoints);
  json_put_int(o, "cosignatures", (int64_t)n->cosignatures);
  json_put_int(o, "lines", (int64_t)n->lines);
  json_put_int(o, "bodies", (int64_t)n->bodies);
  json_put_int(o, "files", (int64_t)n->files);
  json_put_int(o, "rows", (int64_t)n->rows);
  json_put_int(o, "beyond", (int64_t)n->beyond);
  json_put_int(o, "problems", (int64_t)n->problems);
  return o;
}

static const char *result_name(const struct audit_result *a) {
  return a->forked ? "evidence" : a->all.problems > 0 ? "problems" : "clean";
}

static int end_json(struct audit_report *r, const struct audit_result *a) {
  json_t *o = json_object(), *logs = json_array();
  for (size_t i = 0; i < a->n_logs; i++) {
    const struct audit_log *l = &a->logs[i];
    json_t *log = counts_json(&l->n);
    json_put_str(log, "origin", l->origin);
    json_put_int(log, "size", (int64_t)l->size);
    json_put_int(log, "since", (int64_t)l->since);
    json_array_append_new(logs, log);
  }
  json_put_str(o, "result", result_name(a));
  json_object_set_new(o, "logs", logs);
  json_object_set_new(o, "totals", counts_json(&a->all));
  json_object_set_new(o, "problems", r->problems);
  r->problems = NULL;
  return out_json(r->c, o);
}

static const char *number(struct cli *c, uint64_t n) { return arena_fmt(&c->arena, "%llu", (unsigned long long)n); }

/* "cert.us.example 0a1b2c3d/0 bulk": the forum's digits are as few as other verbs take. */
static const char *log_name(struct cli *c, const struct audit_log *l) {
  return arena_fmt(&c->arena, "%s %02x%02x%02x%02x/%llu%s", l->party, l->forum[0], l->forum[1], l->forum[2],
                   l->forum[3], (unsigned long long)l->epoch, l->bulk ? " bulk" : "");
}

static void add_row(struct cli *c, struct table *t, const char *name, const struct audit_counts *n) {
  table_add(t, name);
  table_add(t, number(c, n->entries));
  table_add(t, number(c, n->tiles));
  table_add(t, number(c, n->signatures));
  table_add(t, number(c, n->checkpoints));
  table_add(t, number(c, n->cosignatures));
  table_add(t, number(c, n->lines));
  table_add(t, number(c, n->bodies));
  table_add(t, number(c, n->files));
  table_add(t, number(c, n->problems));
}

static void print_table(struct cli *c, const struct audit_result *a) {
  const char *const heads[] = {_("LOG"),          _("ENTRIES"), _("TILES"),  _("SIGNATURES"), _("CHECKPOINTS"),
                               _("COSIGNATURES"), _("LINES"),   _("BODIES"), _("FILES"),      _("PROBLEMS")};
  struct table t = {.columns = sizeof heads / sizeof *heads};
  for (size_t i = 0; i < t.columns; i++) table_add(&t, heads[i]);
  for (size_t i = 0; i < a->n_logs; i++) add_row(c, &t, log_name(c, &a->logs[i]), &a->logs[i].n);
  add_row(c, &t, _("in all"), &a->all);
  table_print(c, &t);
}

int audit_report_end(struct audit_report *r, const struct audit_result *a) {
  struct cli *c = r->c;
  const int code = a->forked ? EXIT_EVIDENCE : a->all.problems > 0 ? EXIT_REFUSED : EXIT_DONE;
  bar_off(r);
  if (c->json) return end_json(r, a) == EXIT_DONE ? code : EXIT_REFUSED;
  if (r->told > AUDIT_TOLD_MAX) out_print(_("… and %llu more.\n"), (unsigned long long)(r->told - AUDIT_TOLD_MAX));
  if (r->told > 0) out_print("\n");
  print_table(c, a);
  if (a->all.beyond > 0)
    out_print(_("\nNot judged, since what they are about is not held here: %llu lines or files.\n"),
              (unsigned long long)a->all.beyond);
  if (a->forked)
    out_print("\n%s\n", _("A counterpart has signed two histories, and the proof is kept here."));
  else if (a->all.problems > 0)
    out_print("\n%s\n", _("Not everything holds; see above."));
  else
    out_print("\n%s\n", _("Everything that is stored holds."));
  return code;
}

void audit_report_drop(struct audit_report *r) {
  bar_off(r);
  json_decref(r->problems);
  r->problems = NULL;
}
