#include "fuzz/note_oracle.h"

#include <string.h>

#define NOTE_BYTES_MAX 65536

uint32_t oracle_sum(uint32_t sum, uint8_t byte) { return (sum ^ byte) * 16777619u; }

/* ---- characters (RFC 3629, table 3-7 of Unicode: what may follow which first byte) ---- */

struct row {
  uint8_t from, to;  /* first byte */
  uint8_t low, high; /* second byte */
  uint8_t length;
};

static const struct row rows[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* The character at p, and how many bytes it has; 0 when there is none. */
static size_t character(uint32_t *c, const uint8_t *p, size_t n) {
  for (size_t i = 0; n > 0 && i < sizeof rows / sizeof *rows; i++) {
    const struct row *r = &rows[i];
    if (p[0] < r->from || p[0] > r->to) continue;
    if (n < r->length || (r->length > 1 && (p[1] < r->low || p[1] > r->high))) return 0;
    *c = r->length == 1 ? p[0] : p[0] & (0x7fu >> r->length);
    for (size_t k = 1; k < r->length; k++) {
      if (p[k] >> 6 != 2) return 0;
      *c = *c << 6 | (p[k] & 63u);
    }
    return r->length;
  }
  return 0;
}

/* White_Space of Unicode. */
static bool white(uint32_t c) {
  switch (c) {
  case 0x20:
  case 0x85:
  case 0xa0:
  case 0x1680:
  case 0x2028:
  case 0x2029:
  case 0x202f:
  case 0x205f:
  case 0x3000: return true;
  default: return (c >= 9 && c <= 13) || (c >= 0x2000 && c <= 0x200a);
  }
}

static int base64_value(uint32_t c) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c > 0 && c < 128 ? strchr(alphabet, (char)c) : NULL;
  return at ? (int)(at - alphabet) : -1;
}

/* ---- signature lines ---- */

enum state { DASH, FIRST_SPACE, NAME_START, NAME, BASE64, PADDED, DONE, WRONG };

struct machine {
  enum state state;
  struct oracle_sig sig;
  unsigned bits, have; /* of base64, not yet a byte */
  size_t digits, pads, bytes;
};

static void byte_out(struct machine *m, uint8_t b) {
  if (m->bytes < 4)
    m->sig.id = m->sig.id << 8 | b;
  else
    m->sig.sig_sum = oracle_sum(m->sig.sig_sum, b);
  m->bytes++;
}

static enum state digit(struct machine *m, int v) {
  m->digits++;
  m->bits = m->bits << 6 | (unsigned)v;
  m->have += 6;
  if (m->have >= 8) {
    m->have -= 8;
    byte_out(m, (uint8_t)(m->bits >> m->have));
    m->bits &= (1u << m->have) - 1;
  }
  return BASE64;
}

static enum state line_end(struct machine *m) {
  const bool whole = (m->digits + m->pads) % 4 == 0 && m->bits == 0;
  if (!whole || m->bytes <= 4) return WRONG;
  m->sig.sig_n = m->bytes - 4;
  return DONE;
}

static enum state step(struct machine *m, uint32_t c, size_t at) {
  switch (m->state) {
  case DASH: return c == 0x2014 ? FIRST_SPACE : WRONG;
  case FIRST_SPACE: return c == ' ' ? NAME_START : WRONG;
  case NAME_START: m->sig.name = at; return white(c) || c == '+' || c < 0x20 ? WRONG : NAME;
  case NAME:
    m->sig.name_n = at - m->sig.name;
    return c == ' ' ? BASE64 : white(c) || c == '+' || c < 0x20 ? WRONG : NAME;
  case BASE64:
    if (base64_value(c) >= 0) return digit(m, base64_value(c));
    if (c == '\n') return line_end(m);
    if (c != '=') return WRONG;
    m->pads = 1;
    return m->digits % 4 >= 2 ? PADDED : WRONG;
  case PADDED:
    if (c == '\n') return line_end(m);
    m->pads++;
    return c == '=' && m->pads == 2 && m->digits % 4 == 2 ? PADDED : WRONG;
  default: return WRONG;
  }
}

/* ---- notes ---- */

/* Characters only, no control but the newline. *last gets the offset behind the last empty line. */
static bool text(const uint8_t *p, size_t n, size_t *last) {
  uint32_t c, before = 0;
  *last = 0;
  for (size_t i = 0, len; i < n; i += len) {
    len = character(&c, p + i, n - i);
    if (len == 0 || (c < 0x20 && c != '\n')) return false;
    if (c == '\n' && before == '\n') *last = i + 1;
    before = c;
  }
  return true;
}

bool oracle_note(struct oracle_note *out, const uint8_t *p, size_t n) {
  size_t at;
  memset(out, 0, sizeof *out);
  if (n > NOTE_BYTES_MAX || !text(p, n, &at) || at < 2 || at == n) return false;
  out->text_n = at - 1;
  struct machine m = {.sig.sig_sum = 2166136261u};
  for (uint32_t c; at < n;) {
    const size_t len = character(&c, p + at, n - at);
    m.state = step(&m, c, at);
    at += len;
    if (m.state == WRONG) return false;
    if (m.state != DONE) continue;
    if (out->n == ORACLE_SIGS_MAX) return false;
    out->sigs[out->n++] = m.sig;
    m = (struct machine){.sig.sig_sum = 2166136261u};
  }
  return m.state == DASH;
}

/* ---- checkpoints ---- */

bool oracle_checkpoint(struct oracle_checkpoint *out, const uint8_t *p, size_t n) {
  enum { ORIGIN, SIZE_FIRST, SIZE, SIZE_ZERO, ROOT, AFTER } state = ORIGIN;
  unsigned bits = 0, have = 0;
  size_t root_n = 0, digits = 0, pads = 0, ignored;
  memset(out, 0, sizeof *out);
  if (!text(p, n, &ignored)) return false;
  for (size_t i = 0; i < n; i++) {
    const uint8_t c = p[i];
    switch (state) {
    case ORIGIN:
      if (c == '\n' && out->origin_n == 0) return false;
      if (c == '\n')
        state = SIZE_FIRST;
      else
        out->origin_n++;
      break;
    case SIZE_FIRST:
      if (c < '0' || c > '9') return false;
      out->size = c - '0';
      state = c == '0' ? SIZE_ZERO : SIZE;
      break;
    case SIZE:
      if (c == '\n') {
        state = ROOT;
        break;
      }
      if (c < '0' || c > '9' || out->size > (INT64_MAX - (uint64_t)(c - '0')) / 10) return false;
      out->size = 10 * out->size + (uint64_t)(c - '0');
      break;
    case SIZE_ZERO:
      if (c != '\n') return false;
      state = ROOT;
      break;
    case ROOT:
      if (c == '\n') {
        if (digits != 43 || pads != 1 || bits != 0) return false;
        state = AFTER;
      } else if (c == '=') {
        pads++;
      } else {
        if (pads || base64_value(c) < 0 || digits == 43) return false;
        digits++;
        bits = bits << 6 | (unsigned)base64_value(c);
        have += 6;
        if (have >= 8) {
          have -= 8;
          out->root[root_n++] = (uint8_t)(bits >> have);
          bits &= (1u << have) - 1;
        }
      }
      break;
    default: return false; /* an extension line, which parley refuses */
    }
  }
  return state == AFTER;
}
