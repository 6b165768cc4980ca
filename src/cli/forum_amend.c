/*
 * parley forum amend: makes a new version of a forum's charter, signs it and sends it to the members.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/api.h"
#include "cli/forum.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"
#include "forum/charter.h"

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, _("out of memory")); }

/* "PARTY" or "PARTY:ROLE"; role NULL: it must be given. */
static parley_err add_role(json_t *list, const char *option, const char *text, const char *role, struct errmsg *e) {
  char party[PARTY_NAME_MAX + 1];
  const char *colon = strchr(text, ':');
  const size_t n = colon != NULL ? (size_t)(colon - text) : strlen(text);
  enum member_role r;
  if (colon != NULL) role = colon + 1;
  if (n == 0 || n >= sizeof party || role == NULL || !member_role_parse(&r, role))
    return err_set(e, PARLEY_EINVAL,
                   _("--%s takes a party and its role (member, chair, observer, relay, suspended), like "
                     "cert.example:observer, not \"%s\""),
                   option, text);
  snprintf(party, sizeof party, "%.*s", (int)n, text);
  json_t *o = json_object();
  const bool ok = o != NULL && json_put_str(o, "party", party) && json_put_str(o, "role", role);
  if (!ok) {
    json_decref(o);
    return no_memory(e);
  }
  return json_array_append_new(list, o) == 0 ? PARLEY_OK : no_memory(e);
}

static parley_err add_roles(json_t *list, const struct args *a, const char *option, const char *role, bool fixed,
                            struct errmsg *e) {
  parley_err rc = PARLEY_OK;
  const char *text;
  for (size_t i = 0; rc == PARLEY_OK && (text = args_nth(a, option, i)) != NULL; i++)
    rc = fixed && strchr(text, ':') != NULL
             ? err_set(e, PARLEY_EINVAL, _("--%s takes a party alone, not \"%s\""), option, text)
             : add_role(list, option, text, role, e);
  return rc;
}

static parley_err put_members(struct cli *c, json_t *o, const struct args *a, struct errmsg *e) {
  json_t *admit = json_array(), *roles = json_array(), *gone = json_array();
  const char *party;
  parley_err rc = admit != NULL && roles != NULL && gone != NULL ? PARLEY_OK : no_memory(e);
  if (rc == PARLEY_OK) rc = add_roles(admit, a, "admit", "member", false, e);
  if (rc == PARLEY_OK) rc = add_roles(roles, a, "suspend", "suspended", true, e);
  if (rc == PARLEY_OK) rc = add_roles(roles, a, "readmit", "member", true, e);
  if (rc == PARLEY_OK) rc = add_roles(roles, a, "role", NULL, false, e);
  for (size_t i = 0; rc == PARLEY_OK && (party = args_nth(a, "remove", i)) != NULL; i++)
    if (json_array_append_new(gone, json_string(party)) != 0) rc = no_memory(e);
  if (rc == PARLEY_OK && args_flag(a, "withdraw")) {
    struct card *own = arena_alloc(&c->arena, sizeof *own);
    rc = own != NULL ? cli_own_card(c, own, e) : no_memory(e);
    if (rc == PARLEY_OK && json_array_append_new(gone, json_string(own->name)) != 0) rc = no_memory(e);
  }
  if (rc == PARLEY_OK && (json_object_set(o, "admit", admit) != 0 || json_object_set(o, "roles", roles) != 0 ||
                          json_object_set(o, "remove", gone) != 0))
    rc = no_memory(e);
  json_decref(admit);
  json_decref(roles);
  json_decref(gone);
  return rc;
}

/* "PARTY:EPOCH:SIZE:ROOT" */
static parley_err add_closed(json_t *list, const char *text, struct errmsg *e) {
  char party[PARTY_NAME_MAX + 1], epoch[24], size[24], root[48];
  uint64_t x, y;
  uint8_t b[32];
  const bool fits = sscanf(text, "%64[^:]:%20[^:]:%20[^:]:%44[^:]", party, epoch, size, root) == 4 &&
                    strlen(party) + strlen(epoch) + strlen(size) + strlen(root) + 3 == strlen(text) &&
                    dec_decode(&x, bytes_str(epoch)) && dec_decode(&y, bytes_str(size)) && x <= INT64_MAX &&
                    y <= INT64_MAX && base64_decode_fixed(b, sizeof b, bytes_str(root), true);
  if (!fits)
    return err_set(e, PARLEY_EINVAL,
                   _("--close takes a party, an epoch, a size and a root in base64, with colons, not \"%s\""), text);
  json_t *o = json_object();
  const bool ok = o != NULL && json_put_str(o, "party", party) && json_put_int(o, "epoch", (int64_t)x) &&
                  json_put_int(o, "size", (int64_t)y) && json_put_str(o, "root", root);
  if (!ok) {
    json_decref(o);
    return no_memory(e);
  }
  return json_array_append_new(list, o) == 0 ? PARLEY_OK : no_memory(e);
}

static parley_err put_closed(json_t *o, const struct args *a, struct errmsg *e) {
  json_t *list = json_array();
  parley_err rc = list != NULL ? PARLEY_OK : no_memory(e);
  const char *text;
  for (size_t i = 0; rc == PARLEY_OK && (text = args_nth(a, "close", i)) != NULL; i++) rc = add_closed(list, text, e);
  if (rc == PARLEY_OK && json_object_set(o, "close", list) != 0) rc = no_memory(e);
  json_decref(list);
  return rc;
}

/* "consensus", "silence" or "threshold:N" */
static parley_err put_rules(json_t *o, const struct args *a, struct errmsg *e) {
  const char *how = args_value(a, "adoption"), *title = args_value(a, "title");
  int64_t quorum = 0;
  uint64_t n = 0;
  parley_err rc = args_number(&quorum, a, "quorum", 1, FORUM_MEMBERS_MAX, e);
  if (rc == PARLEY_OK && quorum > 0 && !json_put_int(o, "quorum", quorum)) rc = no_memory(e);
  if (rc == PARLEY_OK && title != NULL && !json_put_str(o, "title", title)) rc = no_memory(e);
  if (rc != PARLEY_OK || how == NULL) return rc;
  if (strncmp(how, "threshold:", 10) == 0) {
    if (!dec_decode(&n, bytes_str(how + 10)) || n < 1 || n > FORUM_MEMBERS_MAX)
      return err_set(e, PARLEY_EINVAL, _("--adoption threshold:N takes a number from 1 to %d"), FORUM_MEMBERS_MAX);
    return json_put_str(o, "adoption", "threshold") && json_put_int(o, "threshold", (int64_t)n) ? PARLEY_OK
                                                                                                : no_memory(e);
  }
  if (strcmp(how, "consensus") != 0 && strcmp(how, "silence") != 0)
    return err_set(e, PARLEY_EINVAL, _("--adoption takes consensus, silence or threshold:N, not \"%s\""), how);
  return json_put_str(o, "adoption", how) ? PARLEY_OK : no_memory(e);
}

static parley_err put_file(struct cli *c, json_t *o, const struct args *a, struct errmsg *e) {
  const char *path = args_value(a, "charter"), *text;
  struct buf data = {0};
  if (path == NULL) return PARLEY_OK;
  parley_err rc = file_read(&data, path, CHARTER_SIZE_MAX, e);
  if (rc != PARLEY_OK) return rc;
  text = arena_cstr(&c->arena, buf_view(&data));
  buf_free(&data);
  if (text == NULL) return no_memory(e);
  return json_put_str(o, "payload", text) ? PARLEY_OK
                                          : err_set(e, PARLEY_EINVAL, _("%s is no charter: it is not UTF-8"), path);
}

static const char *const makers[] = {"admit", "suspend", "readmit",  "remove", "withdraw",
                                     "role",  "title",   "adoption", "quorum", "close"};

static size_t count_makers(const struct args *a) {
  size_t k = 0;
  for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
    k += args_flag(a, makers[i]) || args_nth(a, makers[i], 0) != NULL;
  return k;
}

static int result(struct cli *c, json_t *answer, const struct args *a) {
  const char *version = json_text(answer, "version"), *path = args_value(a, "out");
  struct errmsg e;
  const parley_err rc = path != NULL ? forum_write_envelope(c, version, path, &e) : PARLEY_OK;
  if (rc != PARLEY_OK) {
    json_decref(answer);
    return cli_fail(c, rc, &e);
  }
  if (c->json) return out_json(c, answer);
  if (strcmp(json_text(answer, "state"), "in_force") == 0) {
    out_print(_("The new version is in force:\n    %s\n"), version);
  } else {
    out_print(_("Proposed: a new version of the charter\n    %s\n"), version);
    out_print("%s\n", _("It goes to the members now. Each accepts with:"));
    out_print("    parley forum accept %.12s\n", version);
  }
  json_decref(answer);
  return EXIT_DONE;
}

static int run(struct cli *c, const struct args *a) {
  json_t *answer = NULL, *o = json_object();
  const char *path;
  struct errmsg e;
  const bool whole = args_value(a, "charter") != NULL;
  if (whole == (count_makers(a) > 0)) {
    json_decref(o);
    return cli_usage(c, "%s",
                     whole ? _("--charter is a whole charter: nothing else can be changed beside it")
                           : _("say what changes, for example --admit PARTY"));
  }
  parley_err rc = o != NULL ? PARLEY_OK : no_memory(&e);
  if (rc == PARLEY_OK && whole) rc = put_file(c, o, a, &e);
  if (rc == PARLEY_OK && !whole) rc = put_members(c, o, a, &e);
  if (rc == PARLEY_OK && !whole) rc = put_closed(o, a, &e);
  if (rc == PARLEY_OK && !whole) rc = put_rules(o, a, &e);
  if (rc == PARLEY_EINVAL) {
    json_decref(o);
    return cli_usage(c, "%s", e.text);
  }
  if (rc == PARLEY_OK) rc = api_path(c, &path, "/v1/forums/", a->arg[0], "/amend", &e);
  if (rc == PARLEY_OK)
    rc = api_call(c, &answer, "POST", path, o, &e); /* takes it over */
  else
    json_decref(o);
  return rc == PARLEY_OK ? result(c, answer, a) : cli_fail(c, rc, &e);
}

static const struct option options[] = {
    {"admit", N_("PARTY[:ROLE]"), N_("who joins, pinned before; as member if no role is given"), true},
    {"suspend", N_("PARTY"), N_("whose statements count for nothing from now on"), true},
    {"readmit", N_("PARTY"), N_("a member again, not suspended"), true},
    {"remove", N_("PARTY"), N_("who leaves"), true},
    {"withdraw", NULL, N_("your party leaves"), false},
    {"role", N_("PARTY:ROLE"), N_("member, chair, observer, relay, suspended"), true},
    {"title", N_("T"), N_("what the forum is called"), false},
    {"adoption", N_("HOW"), N_("consensus, silence or threshold:N"), false},
    {"quorum", N_("N"), N_("of how many members"), false},
    {"close", N_("PARTY:EPOCH:SIZE:ROOT"), N_("how much of a log still counts"), true},
    {"charter", N_("FILE"), N_("a whole charter, written by hand"), false},
    {"out", N_("FILE"), N_("write it there too, for signatures by file"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_forum_amend = {
    .name = "forum amend",
    .usage = N_("ID [changes]"),
    .summary = N_("propose a new version of a charter"),
    .about =
        N_("Makes the next version of the charter of the forum ID from the one in force, signs it, and sends it to "
           "the members. It is in force when those have signed whose signatures the version before it demands, and "
           "whoever joins."),
    .options = options,
    .examples = {"parley forum amend 3f9a01c2 --admit cert.kz.example:observer",
                 "parley forum amend 3f9a01c2 --suspend ncc.ru.example --out version.json"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
