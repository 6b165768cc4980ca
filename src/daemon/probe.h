/*
 * parley status --probe: what is wrong, now, on the line to one counterpart. probe.c asks it over connections of the
 * probe's own, in a thread of its own, so that the node and its lines go on; probe_report.c says what was found.
 * Nothing is asked that a counterpart could not be asked anyway: GET of its submission URL, bare and with a header of
 * 12 KiB, and of the first entries of a log that it shares with us.
 */
#ifndef PARLEY_DAEMON_PROBE_H
#define PARLEY_DAEMON_PROBE_H

#include <jansson.h>

#include "forum/card.h"
#include "net/client.h"

#define PROBE_TRY_SECONDS 9     /* three tries in a row at most: under 30 s in all */
#define PROBE_CLOCK_SECONDS 300 /* the tolerance of charters that name no other */
#define PROBE_TEXT_SIZE 700

/* One request of the probe and what came of it. */
struct probe_try {
  bool made;
  enum http_cause cause;
  bool connected, ready;
  unsigned status;
  int64_t date, now; /* the answer's Date and our clock then, seconds; 0: none */
  size_t size;       /* bytes of the answer's body that came, also when it was not whole in time */
  char message[PROBE_TEXT_SIZE], tried[256];
};

struct probe_seen {
  char party[PARTY_NAME_MAX + 1];
  char url[URL_MAX + 8];         /* asked first */
  char large_url[URL_MAX + 256]; /* of something long; "": nothing is known there */
  char where[300];               /* host:port */
  char proxy[300];               /* host:port; "" none */
  bool is_address;               /* the URL names an address, no name */
  struct http_line line;         /* how kept connections fared */
  /* With a proxy, or an address: any alone. Else one for each family. */
  struct probe_try any, v4, v6, large_request, large_answer;
};

/* {"party", "where", "proxy"?, "verdict": "fine"|"impaired"|"broken", "code", "text", "steps": [{"step", "result",
 * "text"}]}; NULL when memory is out. docs/local-api.md has the words. */
json_t *probe_report(const struct probe_seen *seen);

struct probe;

/*
 * Starts probing card's submission URL; large_url may be "". wall_s: our clock. When it is over wake, an eventfd, is
 * written to. config's strings must live until probe_end.
 */
parley_err probe_start(struct probe **out, const struct http_client_config *config, const struct card *card,
                       const char *large_url, struct http_line line, int64_t (*wall_s)(void), int wake,
                       struct errmsg *e);
/* What was seen, once it is over; NULL before. Lives until probe_end. */
const struct probe_seen *probe_result(struct probe *p);
void probe_end(struct probe *p); /* breaks off what is still under way; NULL allowed */

#endif
