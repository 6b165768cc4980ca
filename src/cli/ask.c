#include "cli/ask.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/text.h"

#define LINE_MAX_BYTES 1024

/* One line without its end; false at the end of input. */
static bool read_line(char out[static LINE_MAX_BYTES]) {
  if (fgets(out, LINE_MAX_BYTES, stdin) == NULL) return false;
  out[strcspn(out, "\r\n")] = '\0';
  return true;
}

bool ask_yes(const char *question) {
  char line[LINE_MAX_BYTES];
  for (;;) {
    out_note("%s %s ", question, _("[yes/no]"));
    if (!read_line(line)) {
      out_note("\n");
      return false;
    }
    if (strcasecmp(line, "yes") == 0 || strcasecmp(line, _("yes")) == 0) return true;
    if (strcasecmp(line, "no") == 0 || strcasecmp(line, _("no")) == 0) return false;
    out_note("%s\n", _("Please type yes or no."));
  }
}

/* Without showing what is typed; the terminal is as before afterwards. */
static bool read_secret(const char *prompt, char out[static LINE_MAX_BYTES]) {
  struct termios before, quiet;
  const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  out_note("%s: ", prompt);
  const bool ok = read_line(out);
  if (terminal) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  out_note("\n");
  return ok;
}

parley_err ask_secret(struct buf *out, const char *prompt, struct errmsg *e) {
  char first[LINE_MAX_BYTES], again[LINE_MAX_BYTES];
  parley_err rc = PARLEY_OK;
  for (;;) {
    if (!read_secret(prompt, first) || !read_secret(_("The same again"), again)) {
      rc = err_set(e, PARLEY_EINVAL, _("no passphrase was typed"));
      break;
    }
    if (strcmp(first, again) == 0) {
      buf_str(out, first);
      rc = buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
      break;
    }
    out_note("%s\n", _("The two differ."));
  }
  wipe(first, sizeof first);
  wipe(again, sizeof again);
  return rc;
}
