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

/* One of the words of a list that "|" separates: a language may have several, and capitals beyond ASCII. */
static bool is_word(const char *line, const char *words) {
  const size_t n = strlen(line);
  for (const char *w = words; w != NULL; w = strchr(w, '|'), w = w != NULL ? w + 1 : NULL)
    if (strcspn(w, "|") == n && strncasecmp(w, line, n) == 0) return true;
  return false;
}

bool ask_yes(const char *question) {
  char line[LINE_MAX_BYTES];
  for (;;) {
    out_note("%s %s ", question, _("[yes/no]"));
    if (!read_line(line)) {
      out_note("\n");
      return false;
    }
    /* TRANSLATORS: the words to type, with | between them, capitals too where not ASCII; "yes" always does. */
    if (is_word(line, "yes") || is_word(line, _("yes"))) return true;
    if (is_word(line, "no") || is_word(line, _("no"))) return false;
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
      rc = buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
      break;
    }
    out_note("%s\n", _("The two differ."));
  }
  wipe(first, sizeof first);
  wipe(again, sizeof again);
  return rc;
}
