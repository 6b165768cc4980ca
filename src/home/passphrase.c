/*
 * Asking for a passphrase: from the file that $PARLEY_PASSPHRASE_FILE names, else at the terminal without echo.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "home/secrets.h"

/* The first line, without its end. */
static parley_err first_line(struct buf *text, const char *where, struct errmsg *e) {
  size_t end = bytes_find(buf_view(text), 0, '\n');
  if (end == (size_t)-1) end = text->n;
  if (end > 0 && text->p[end - 1] == '\r') end--;
  if (end == 0) return err_set(e, PARLEY_EINVAL, "there is no passphrase in %s", where);
  if (end > PASSPHRASE_MAX)
    return err_set(e, PARLEY_ELIMIT, "the passphrase in %s has more than %d bytes", where, PASSPHRASE_MAX);
  text->n = end;
  return PARLEY_OK;
}

static parley_err from_file(const void *ctx, const char *path, struct buf *out, struct errmsg *e) {
  const parley_err err = file_read(out, path, 2 * PASSPHRASE_MAX, e);
  return err ? err_prefix(e, err, ctx ? "the file of the passphrase" : "PARLEY_PASSPHRASE_FILE")
             : first_line(out, path, e);
}

static bool read_line(int tty, struct buf *out) {
  char c;
  while (out->n <= PASSPHRASE_MAX) {
    const ssize_t n = read(tty, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n != 1 || c == '\n') break;
    buf_u8(out, (uint8_t)c);
  }
  c = 0;
  return buf_ok(out);
}

static parley_err from_terminal(const char *prompt, struct buf *out, struct errmsg *e) {
  struct termios before, silent;
  const int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (tty < 0 || tcgetattr(tty, &before) != 0) {
    if (tty >= 0) close(tty);
    return err_set(e, PARLEY_ENOTFOUND,
                   "the passphrase of %s is needed, and there is no terminal to ask at; name a file that holds it in "
                   "PARLEY_PASSPHRASE_FILE",
                   prompt);
  }
  silent = before;
  silent.c_lflag = (silent.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
  tcsetattr(tty, TCSAFLUSH, &silent);
  dprintf(tty, "Passphrase of %s: ", prompt);
  const bool ok = read_line(tty, out);
  tcsetattr(tty, TCSAFLUSH, &before);
  close(tty);
  return ok ? first_line(out, "what was typed", e) : err_set(e, PARLEY_ENOMEM, "out of memory for a passphrase");
}

parley_err home_passphrase(void *ctx, const char *prompt, struct buf *out, struct errmsg *e) {
  const char *path = ctx ? ctx : getenv("PARLEY_PASSPHRASE_FILE");
  return path && *path ? from_file(ctx, path, out, e) : from_terminal(prompt, out, e);
}
