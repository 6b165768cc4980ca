/*
 * Log lines on standard error: time, level, text; under journald (JOURNAL_STREAM) the level as "<3>" and no time.
 */
#ifndef PARLEY_DAEMON_LOG_H
#define PARLEY_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_AS_ERROR = 3, LOG_AS_WARNING = 4, LOG_AS_INFO = 6 }; /* as syslog */

struct logger {
  int level; /* what is more than this is left out */
  bool journal;
};

/* level: "error", "warning" or "info". */
void log_open(struct logger *l, const char *level);
__attribute__((format(printf, 3, 4))) void log_line(const struct logger *l, int level, const char *fmt, ...);

#endif
