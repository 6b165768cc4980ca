#include "cli/envelope.h"

#include "cli/output.h"
#include "cli/text.h"

parley_err envelope_read(struct cli *c, struct bytes *out, const char *path, size_t max, struct errmsg *e) {
  struct buf text = {0};
  const parley_err rc = file_read(&text, path, max + 2, e);
  if (rc != PARLEY_OK) return rc;
  while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r')) text.n--;
  *out = arena_copy(&c->arena, buf_view(&text));
  buf_free(&text);
  return out->p != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

parley_err card_read(struct cli *c, struct card *out, const char *path, struct errmsg *e) {
  struct bytes envelope;
  bool unproved;
  parley_err rc = envelope_read(c, &envelope, path, CARD_SIZE_MAX, e);
  if (rc != PARLEY_OK) return rc;
  rc = card_parse(out, &c->arena, envelope, NULL, &unproved, e);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, _("%s is no valid card"), path);
}

void card_print(struct cli *c, const struct card *card) {
  struct errmsg e;
  out_field(c, 0, _("Party"), card->name);
  out_print("%s\n", _("Fingerprint"));
  out_fingerprint(card->fingerprint, 4);
  out_field(c, 0, _("Card number"), arena_fmt(&c->arena, "%llu", (unsigned long long)card->serial));
  out_field(c, 0, _("Valid from"), out_time(c, card->not_before));
  out_field(c, 0, _("Valid until"), out_time(c, card->not_after));
  if (card_check_time(card, c->now, &e) != PARLEY_OK) out_print(_("WARNING: %s\n"), e.text);
  out_field(c, 0, _("Submission"), card->submission);
  out_field(c, 0, _("Monitoring"), card->monitoring);
  for (size_t i = 0; i < card->n_seal; i++) out_field(c, 0, i == 0 ? _("Desks") : " ", card->seal[i].label);
}

json_t *card_json(const struct card *card) {
  json_t *o = json_object(), *desks = json_array();
  bool ok = o != NULL && json_put_str(o, "party", card->name) &&
            json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE) &&
            json_put_int(o, "serial", (int64_t)card->serial) && json_put_time(o, "not_before", card->not_before) &&
            json_put_time(o, "not_after", card->not_after) && json_put_str(o, "submission", card->submission) &&
            json_put_str(o, "monitoring", card->monitoring);
  for (size_t i = 0; ok && i < card->n_seal; i++)
    ok = json_array_append_new(desks, json_string(card->seal[i].label)) == 0;
  ok = ok && json_object_set(o, "desks", desks) == 0;
  json_decref(desks);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

parley_err fingerprint_read(uint8_t out[static SHA256_SIZE], const char *text, struct errmsg *e) {
  if (fingerprint_parse(out, text)) return PARLEY_OK;
  return err_set(e, PARLEY_EINVAL, _("\"%.100s\" is no fingerprint: 64 digits (0-9, a-f), in any grouping"), text);
}
