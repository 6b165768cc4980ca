/*
 * parleyd: one process, one loop. start.c opens everything, loop.c turns, handler.c and outbound.c carry requests
 * between the network and the node, local.c adds what only the daemon knows to the local API. The gate has a thread of
 * its own, and sealing has helpers (pool.c); all else runs in the main thread, which never waits for the network.
 */
#ifndef PARLEY_DAEMON_DAEMON_H
#define PARLEY_DAEMON_DAEMON_H

#include "daemon/backup.h"
#include "daemon/log.h"
#include "daemon/memory_file.h"
#include "daemon/pool.h"
#include "daemon/probe.h"
#include "home/home.h"
#include "net/client.h"
#include "net/gate.h"
#include "net/server.h"
#include "node/node.h"

#define IDLE_MS 30000 /* without traffic for this long the node tidies up */

struct daemon {
  struct home home;
  struct config config;
  struct node_witness witnesses[CONFIG_WITNESSES_MAX]; /* of config */
  struct logger log;
  struct arena arena;
  struct card own;
  struct home_keys keys;
  struct home_forms forms;
  struct store *store;
  struct memory_file *memory;
  struct signer *signer;
  struct pool *pool;
  struct node *node;
  struct http_server *server;
  struct gate *gate;
  int open;     /* listener of the open mirror; -1: none */
  int messages; /* the gate's */
  struct http_client *client;
  int signals;             /* signalfd */
  struct probe *probe;     /* under way; NULL: none */
  void *probe_request;     /* who waits for it; NULL: gone meanwhile */
  struct backup *backup;   /* the last; NULL: none since the start */
  int probed;              /* eventfd: it is over */
  const char *path_prefix; /* path of our URL: "" or "/parley"; into config.url */
  bool again;              /* something happened that may make more to do: do not wait */
  bool stop;
  bool tidy; /* nothing happened since the last tidying */
  int64_t busy_ms;
  bool has_log_before;     /* keys/before/log.pem is there */
  bool link_adopted;       /* a new link key waits for the next start, or there is none */
  uint64_t cards_version;  /* of the node's, that the gate knows */
  uint64_t proofs_version; /* of the node's, whose folders are written */
  int64_t proofs_ms;       /* not before: it failed */
  struct line *lines;      /* to counterparts; outbound.c */
  uint64_t refused_logged; /* refusals of the gate that are in the log */
  int64_t refused_logged_ms;
};

/* start.c. What was opened before a failure is closed by daemon_close. */
parley_err daemon_open(struct daemon *d, const char *home_dir, struct errmsg *e);
void daemon_close(struct daemon *d);
/* Gives the gate the link keys of all pinned parties. */
parley_err daemon_set_gate_pins(struct daemon *d, struct errmsg *e);
/* renewed.c: what follows from new cards, ours and the counterparts': link keys of the gate, keys that are no longer needed. Once a turn. */
parley_err daemon_renewed(struct daemon *d, struct errmsg *e);
/* proofs.c: gives the node back what its store has lost of the folders in proofs/. After the start of the node. */
void daemon_proofs_back(struct daemon *d);
/* Writes the proofs that the node keeps as folders, where they are not there. Once a turn. */
void daemon_proofs(struct daemon *d);
/* How counterparts are reached. The strings are the daemon's. */
struct http_client_config daemon_client_config(const struct daemon *d);

/* loop.c: until SIGTERM or SIGINT. */
void daemon_run(struct daemon *d);
void daemon_busy(struct daemon *d);
int64_t daemon_now_ms(void);
int64_t daemon_wall_s(void);

/* handler.c */
struct http_handler daemon_handler(struct daemon *d);
/* Hands answers that came later to the server; true when there was one. */
bool daemon_answer(struct daemon *d);

/* Answers POST /v1/probe once the probe is over. */
void daemon_answer_probe(struct daemon *d);

/* outbound.c: starts what the node wants to send; true when there was something. */
bool daemon_send(struct daemon *d);
/* After the last request is over. */
void daemon_forget_lines(struct daemon *d);

/* local.c: the parts of the local API that need the home or the gate. Each leaves its answer in *out. */
void local_trust(struct daemon *d, struct bytes body, struct node_response *out);
void local_add_status(struct daemon *d, struct node_response *out);
void local_add_pins(struct daemon *d, struct node_response *out);
/* local_probe.c: POST /v1/probe?party=P. Leaves out->status 0 when the probe is under way for request. */
void local_probe(struct daemon *d, const char *query, void *request, struct node_response *out);
/* Its answer; takes the probe away. */
void local_probe_answer(struct daemon *d, struct node_response *out);
/* Answers of the daemon's own. put_json takes v; NULL, or no memory to write it, leaves an answer that failed. */
void local_put_json(struct node_response *out, unsigned status, json_t *v);
void local_put_error(struct node_response *out, parley_err err, const struct errmsg *e);

/* notify.c: tells the service manager (sd_notify protocol), where there is one. */
void notify(const char *state);

#endif
