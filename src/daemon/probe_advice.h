/*
 * What a probe can find: each finding has its stage on the way, a word for programs and a sentence for people: what is
 * wrong, and who should do what.
 */
#ifndef PARLEY_DAEMON_PROBE_ADVICE_H
#define PARLEY_DAEMON_PROBE_ADVICE_H

#include "net/client.h"

enum stage {
  STAGE_NAME,
  STAGE_PROXY,
  STAGE_CONNECT,
  STAGE_TLS,
  STAGE_CERTIFICATE,
  STAGE_OURS,
  STAGE_ANSWER,
  STAGE_END
};

/* {P} the party, {W} host:port, {X} the proxy, {M} the client's message, {N} a number or time. */
struct advice {
  const char *code;
  enum stage stage;
  const char *text;
};

/* Of a request that failed for that cause, or was answered. */
const struct advice *probe_advice(enum http_cause cause);

/* What no cause of one request says. */
extern const struct advice advice_cut_later;
extern const struct advice advice_http_error;
extern const struct advice advice_requests_lost;
extern const struct advice advice_answers_lost;
extern const struct advice advice_half;
extern const struct advice advice_clock_off;
extern const struct advice advice_idle_cut;

#endif
