/*
 * parley.conf: lines "name = value". Every option has its default and its help here, and nowhere else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "home/config_witness.h"
#include "home/dirs.h"

#define CONFIG_SIZE_MAX 65536

const struct config_option config_options[] = {
    {"name", "", "Name of the party, as in its card."},
    {"listen", "127.0.0.1:7411",
     "Address and port where counterparts connect: 192.0.2.1:7411, [2001:db8::1]:7411, [::]:7411."},
    {"url", "",
     "Address of this node for counterparts, as in its card; without one it is https:// and the value of listen."},
    {"proxy", "none",
     "Proxy for connections to counterparts: http://host:port or https://host:port, with user:password@ before the "
     "host "
     "if it wants them; or none. What the environment says (https_proxy) is not heeded."},
    {"no_proxy", "",
     "Hosts that are reached without the proxy, with commas between: names, .domain for all below one, addresses, or "
     "*."},
    {"proxy_ca", "",
     "PEM file with the authority that certified an https proxy; without one the system's authorities are asked."},
    {"compress", "auto",
     "Whether uploads to counterparts go as gzip: auto (on all lines but those that answer at once), always or never."},
    {"witness", "",
     "A neutral witness of a charter: the name of its key and where it listens, https://… (or http:// to a loopback "
     "address), then, where its certificate is not one that the system's authorities certify, sha256//… of its key. "
     "May be repeated."},
    {"open_mirror", "none",
     "Address and port on loopback, 127.0.0.1:7480, where anybody may push and read the logs whose vkeys stand in the "
     "file open-logs of the home, one a line; put your own TLS before it. Or none."},
    {"log_level", "info", "What is logged: error, warning or info."},
    {NULL, NULL, NULL},
};

/* Where an option's value stands in a configuration; its size in *size. */
static char *slot(struct config *c, const char *option, size_t *size) {
  const struct {
    const char *name;
    char *value;
    size_t size;
  } slots[] = {
      {"name", c->name, sizeof c->name},
      {"listen", c->listen, sizeof c->listen},
      {"url", c->url, sizeof c->url},
      {"proxy", c->proxy, sizeof c->proxy},
      {"no_proxy", c->no_proxy, sizeof c->no_proxy},
      {"proxy_ca", c->proxy_ca, sizeof c->proxy_ca},
      {"compress", c->compress, sizeof c->compress},
      {"open_mirror", c->open_mirror, sizeof c->open_mirror},
      {"log_level", c->log_level, sizeof c->log_level},
  };
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
    if (!strcmp(slots[i].name, option)) {
      *size = slots[i].size;
      return slots[i].value;
    }
  return NULL;
}

const char *config_value(const struct config *c, const char *option) {
  size_t size;
  return strcmp(option, "witness") != 0 ? slot((struct config *)c, option, &size) : "";
}

void config_defaults(struct config *c) {
  *c = (struct config){0};
  for (const struct config_option *o = config_options; o->name; o++) {
    size_t size = 0;
    char *value = slot(c, o->name, &size);
    if (value) snprintf(value, size, "%s", o->fallback);
  }
  c->proxy[0] = '\0'; /* none */
}

/* ---- checks ---- */

static bool port_valid(const char *s) {
  uint64_t port;
  return dec_decode(&port, bytes_str(s)) && port <= 65535;
}

/* The form only: whether there is such an address here shows when the gate binds it. */
static bool listen_valid(const char *s) {
  const char *colon = strrchr(s, ':');
  if (!colon || colon == s || !port_valid(colon + 1)) return false;
  const size_t n = (size_t)(colon - s);
  if (s[0] == '[') return n > 3 && s[n - 1] == ']' && strspn(s + 1, "0123456789abcdefABCDEF:.") == n - 2;
  return strspn(s, "0123456789.") == n;
}

/* What a card takes is judged when the card is made; here: https, no blank, no final slash. */
static bool url_valid(const char *s) {
  const size_t n = strlen(s), scheme = strlen("https://");
  if (n <= scheme || strncmp(s, "https://", scheme) || s[n - 1] == '/' || strpbrk(s, "?#")) return false;
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f) return false;
  return true;
}

/* http or https, perhaps user:password@, host and port: all of it said, nothing behind it. */
static bool proxy_valid(const char *s) {
  if (!*s) return true;
  const char *rest = !strncmp(s, "http://", 7) ? s + 7 : !strncmp(s, "https://", 8) ? s + 8 : NULL;
  if (!rest) return false;
  for (const char *p = rest; *p; p++)
    if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("/?#\"'\\", *p)) return false;
  const char *at = strrchr(rest, '@'), *host = at ? at + 1 : rest, *colon = strrchr(host, ':');
  if (at && (at == rest || memchr(rest, '@', (size_t)(at - rest)))) return false;
  return colon && colon != host && port_valid(colon + 1) &&
         (*host == '[' ? colon[-1] == ']' : !memchr(host, ':', (size_t)(colon - host)));
}

/* NULL, or what the option may be. */
static const char *value_wrong(const char *option, const char *value) {
  if (!strcmp(option, "compress"))
    return !strcmp(value, "auto") || !strcmp(value, "always") || !strcmp(value, "never")
               ? NULL
               : "must be auto, always or never";
  if (!strcmp(option, "name")) return party_name_valid(value) ? NULL : "must be a party's name such as cert.us.example";
  if (!strcmp(option, "listen"))
    return listen_valid(value) ? NULL : "must be an address and a port such as 127.0.0.1:7411 or [::]:7411";
  if (!strcmp(option, "url"))
    return url_valid(value) ? NULL : "must be an address such as https://parley.us.example:7411, without a final slash";
  if (!strcmp(option, "proxy"))
    return proxy_valid(value)
               ? NULL
               : "must be none, or such as http://proxy.us.example:3128 or https://user:password@[2001:db8::1]:3129 "
                 "(in user and password %40 for @, %3A for :, %2F for /)";
  if (!strcmp(option, "open_mirror"))
    return !strcmp(value, "none") || listen_valid(value) ? NULL : "must be none, or such as 127.0.0.1:7480";
  if (!strcmp(option, "no_proxy") || !strcmp(option, "proxy_ca")) return NULL;
  const bool known = !strcmp(value, "error") || !strcmp(value, "warning") || !strcmp(value, "info");
  return known ? NULL : "must be error, warning or info";
}

/* ---- reading ---- */

/* Letters to change to make b of a (Levenshtein). */
static size_t distance(const char *a, size_t a_n, const char *b) {
  size_t row[64];
  const size_t n = strlen(b);
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 0; i < a_n; i++) {
    size_t corner = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < n; j++) {
      const size_t change = corner + (a[i] != b[j]);
      corner = row[j + 1];
      row[j + 1] = row[j] < corner ? row[j] + 1 : corner + 1;
      if (change < row[j + 1]) row[j + 1] = change;
    }
  }
  return row[n];
}

static const char *nearest(const char *name, size_t n) {
  const char *best = config_options[0].name;
  for (const struct config_option *o = config_options; o->name; o++)
    if (distance(name, n, o->name) < distance(name, n, best)) best = o->name;
  return best;
}

static struct bytes trim(struct bytes s) {
  while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s = BYTES(s.p + 1, s.n - 1);
  while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) s.n--;
  return s;
}

static size_t option_index(struct bytes name) {
  size_t i = 0;
  while (config_options[i].name && !bytes_is(name, config_options[i].name)) i++;
  return i;
}

static parley_err read_line(struct config *c, struct bytes line, unsigned *seen, struct errmsg *e) {
  line = trim(line);
  if (line.n == 0 || line.p[0] == '#') return PARLEY_OK;
  const size_t equals = bytes_find(line, 0, '=');
  if (equals == (size_t)-1) return err_set(e, PARLEY_EINVAL, "must be \"name = value\"");
  const struct bytes name = trim(BYTES(line.p, equals));
  const struct bytes text = trim(BYTES(line.p + equals + 1, line.n - equals - 1));
  const size_t i = option_index(name);
  if (!config_options[i].name || i >= 8 * sizeof *seen) {
    const size_t n = name.n < 40 ? name.n : 40;
    return err_set(e, PARLEY_EINVAL, "\"%.*s\" is no option; did you mean \"%s\"?", (int)n, (const char *)name.p,
                   nearest((const char *)name.p, n));
  }
  const char *option = config_options[i].name;
  if (!strcmp(option, "witness")) return config_witness_read(c, text, e);
  if (*seen >> i & 1) return err_set(e, PARLEY_EINVAL, "%s stands twice", option);
  *seen |= 1u << i;
  size_t size = 0;
  char *value = slot(c, option, &size);
  if (!value || text.n >= size || memchr(text.p, 0, text.n))
    return err_set(e, PARLEY_EINVAL, "%s: the value is longer than %zu bytes", option, size ? size - 1 : 0);
  memcpy(value, text.p, text.n);
  value[text.n] = '\0';
  if (!strcmp(option, "proxy") && !strcmp(value, "none")) memset(value, 0, size);
  const char *wrong = value_wrong(option, value);
  return wrong ? err_set(e, PARLEY_EINVAL, "%s %s", option, wrong) : PARLEY_OK;
}

static parley_err read_lines(struct config *c, struct buf *text, const char *path, struct errmsg *e) {
  struct bytes rest, line;
  unsigned seen = 0;
  buf_str(text, "\n");
  if (!buf_ok(text)) return err_set(e, PARLEY_ENOMEM, "out of memory while reading %s", path);
  rest = buf_view(text);
  for (unsigned number = 1; bytes_line(&rest, &line); number++) {
    const parley_err err = read_line(c, line, &seen, e);
    if (err) return err_prefix(e, err, "%s, line %u", path, number);
  }
  if (!*c->name) return err_set(e, PARLEY_EINVAL, "%s: name is missing", path);
  if (!*c->url) snprintf(c->url, sizeof c->url, "https://%s", c->listen);
  return PARLEY_OK;
}

parley_err config_read(struct config *out, const struct home *h, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  config_defaults(out);
  parley_err err = path_join(path, h->dir, "parley.conf", e);
  if (!err) err = file_read(&text, path, CONFIG_SIZE_MAX, e);
  if (!err) err = read_lines(out, &text, path, e);
  buf_free(&text);
  return err;
}

/* ---- writing ---- */

static const char *written(const char *option, const char *value) {
  return !strcmp(option, "proxy") && !*value ? "none" : value;
}

void config_shown(struct buf *out, const struct config *c, const char *option) {
  const char *value = config_value(c, option), *at = value && !strcmp(option, "proxy") ? strrchr(value, '@') : NULL;
  const char *user = at ? strstr(value, "://") + 3 : NULL, *colon = at ? memchr(user, ':', (size_t)(at - user)) : NULL;
  if (!strcmp(option, "witness")) config_witness_write(out, c, "", ", ");
  if (!value) return;
  if (colon)
    buf_fmt(out, "%.*s:…%s", (int)(colon - value), value, at);
  else
    buf_str(out, written(option, value));
}

void config_write(struct buf *out, const struct config *c) {
  buf_str(out, "# Configuration of a parley node. A line that starts with # is a comment; an option that stands\n"
               "# behind one has its default. Read at the start of parleyd.\n");
  for (const struct config_option *o = config_options; o->name; o++) {
    if (!strcmp(o->name, "witness") && c->n_witnesses > 0) {
      buf_fmt(out, "\n# %s\n", o->help);
      config_witness_write(out, c, "witness = ", "\n");
      buf_str(out, "\n");
      continue;
    }
    const char *value = written(o->name, config_value(c, o->name));
    const bool is_default = !strcmp(value, o->fallback);
    buf_fmt(out, "\n# %s\n%s%s = %s\n", o->help, is_default ? "# " : "", o->name, value);
  }
}
