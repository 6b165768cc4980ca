#include "pack_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const struct fixture_options plain = {0};
const struct fixture_options usual = {.attach = true, .files = true, .ack = true};
const struct fixture_options grown = {.attach = true, .files = true, .ack = true, .bulk_size = 11};
const struct fixture_options all = {.members = 3,
                                    .addressees = 2,
                                    .predecessors = 2,
                                    .officers = 1,
                                    .attach = true,
                                    .files = true,
                                    .bulk_size = 11,
                                    .ack = true};

parley_err check(const struct pack *p, const struct anchor *anchors, size_t n, struct errmsg *e) {
  struct arena a = {0};
  struct pack_result r;
  e->text[0] = '\0';
  const parley_err rc = pack_verify(&r, &a, p, &(struct pack_known){.anchors = anchors, .n_anchors = n}, e);
  pack_result_clear(&r);
  arena_free(&a);
  return rc;
}

void fails(const struct pack *p, const char *naming) {
  struct errmsg e;
  const parley_err rc = check(p, NULL, 0, &e);
  if (rc != PARLEY_EVERIFY && rc != PARLEY_EINVAL)
    fail_msg("%s: expected a failure, got %s %s", naming, err_name(rc), e.text);
  if (strstr(e.text, naming) == NULL) fail_msg("\"%s\" does not name %s", e.text, naming);
}

void holds(const struct pack *p) {
  struct errmsg e;
  if (check(p, NULL, 0, &e) != PARLEY_OK) fail_msg("%s", e.text);
}

void fails_with(struct fixture *f, const char *name, struct bytes data, const char *naming) {
  struct pack p = fixture_copy(f);
  fixture_file(&p, name)->data = data;
  fails(&p, naming);
}

struct bytes pack_replaced(struct fixture *f, const char *name, const char *from, const char *to) {
  struct pack p = f->pack;
  char *text = arena_cstr(&f->arena, fixture_file(&p, name)->data);
  assert_non_null(text);
  const char *at = strstr(text, from);
  assert_non_null(at);
  const char *out = arena_fmt(&f->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  assert_non_null(out);
  return bytes_str(out);
}
