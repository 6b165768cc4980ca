/*
 * Forms at hand: those of the home first, so that an officer's newer version of a kind is the one that is proposed.
 */
#include <stdlib.h>
#include <string.h>

#include "home/dirs.h"

/* The same file twice is one form. */
static bool is_known(const struct home_forms *f, const struct form *form) {
  for (size_t i = 0; i < f->n; i++)
    if (!memcmp(form_digest(f->forms[i]), form_digest(form), SHA256_SIZE)) return true;
  return false;
}

/* Takes the form over. */
static parley_err add(struct home_forms *f, struct form *form, struct errmsg *e) {
  if (is_known(f, form)) {
    form_free(form);
    return PARLEY_OK;
  }
  struct form **grown = realloc(f->forms, (f->n + 1) * sizeof *grown);
  if (!grown) {
    form_free(form);
    return err_set(e, PARLEY_ENOMEM, "out of memory for forms");
  }
  f->forms = grown;
  f->forms[f->n++] = form;
  return PARLEY_OK;
}

static parley_err load_file(struct home_forms *f, const char *dir, const char *name, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  struct form *form = NULL;
  const size_t n = strlen(name);
  if (n < 6 || strcmp(name + n - 5, ".json") != 0) return PARLEY_OK;
  parley_err err = path_join(path, dir, name, e);
  if (!err) err = file_read(&text, path, FORM_SIZE_MAX, e);
  if (!err && (err = form_parse(&form, buf_view(&text), e))) err_prefix(e, err, "%s", path);
  if (!err) err = add(f, form, e);
  buf_free(&text);
  return err;
}

static parley_err load_folder(struct home_forms *f, const struct home *h, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct dir_names names;
  parley_err err = path_join(path, h->dir, "forms", e);
  if (!err) err = dir_list(&names, path, e);
  if (err) return err;
  for (size_t i = 0; !err && i < names.n; i++) err = load_file(f, path, names.name[i], e);
  free(names.name);
  return err;
}

parley_err home_forms_load(struct home_forms *out, const struct home *h, struct errmsg *e) {
  *out = (struct home_forms){0};
  parley_err err = load_folder(out, h, e);
  for (unsigned long i = 0; !err && i < embedded_forms_count; i++) {
    struct form *form = NULL;
    err = form_parse(&form, BYTES(embedded_forms[i].data, embedded_forms[i].size), e);
    if (!err) err = add(out, form, e);
  }
  if (err) home_forms_free(out);
  return err;
}

void home_forms_free(struct home_forms *f) {
  for (size_t i = 0; i < f->n; i++) form_free(f->forms[i]);
  free(f->forms);
  *f = (struct home_forms){0};
}
