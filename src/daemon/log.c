#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define LINE_SIZE 1024

void log_open(struct logger *l, const char *level) {
  l->level = !strcmp(level, "error") ? LOG_AS_ERROR : !strcmp(level, "warning") ? LOG_AS_WARNING : LOG_AS_INFO;
  l->journal = getenv("JOURNAL_STREAM") != NULL;
}

static size_t write_head(const struct logger *l, int level, char out[static LINE_SIZE]) {
  const char *name = level <= LOG_AS_ERROR ? "error" : level <= LOG_AS_WARNING ? "warning" : "info";
  char now[TIME_TEXT_SIZE];
  if (l->journal) return (size_t)snprintf(out, LINE_SIZE, "<%d>", level);
  time_format(now, time(NULL));
  return (size_t)snprintf(out, LINE_SIZE, "%s %s ", now, name);
}

void log_line(const struct logger *l, int level, const char *fmt, ...) {
  char line[LINE_SIZE];
  if (level > l->level) return;
  const size_t head = write_head(l, level, line);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(line + head, sizeof line - head - 1, fmt, ap);
  va_end(ap);
  size_t n = strlen(line);
  for (size_t i = head; i < n; i++)
    if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) line[i] = ' '; /* one message, one line */
  line[n++] = '\n';
  const ssize_t written = write(STDERR_FILENO, line, n);
  (void)written; /* nowhere to say so */
}
