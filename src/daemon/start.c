/*
 * Opening a node and closing it again. The store comes first: whoever has it is the only parleyd on this home.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/fault.h"
#include "net/open_listener.h"

#define EXPIRY_WARNING_S (INT64_C(30) * 86400)

/* ---- what the node sees of the world ---- */

static int64_t env_wall(void *ctx) {
  (void)ctx;
  return daemon_wall_s();
}

static int64_t env_mono(void *ctx) {
  (void)ctx;
  return daemon_now_ms();
}

/* A node that cannot have randomness must not go on: it would seal with what others can guess. */
static void env_random(void *ctx, uint8_t *out, size_t n) {
  const struct daemon *d = ctx;
  if (random_bytes(out, n)) return;
  log_line(&d->log, LOG_AS_ERROR, "the operating system gives no randomness; stopping");
  _exit(1);
}

static void env_parallel(void *ctx, void (*work)(void *item), void *const *items, size_t n) {
  pool_run(((struct daemon *)ctx)->pool, work, items, n);
}

static void env_log(void *ctx, int level, const char *line) {
  log_line(&((const struct daemon *)ctx)->log, level, "%s", line);
}

/* ---- home ---- */

static parley_err open_home(struct daemon *d, const char *dir, struct errmsg *e) {
  parley_err err = home_at(&d->home, dir, e);
  if (!err && !home_exists(&d->home))
    err = err_set(e, PARLEY_ENOTFOUND, "there is no home in %s; make one with: parley init NAME", d->home.dir);
  if (!err) err = home_finish_change(&d->home, e);
  if (!err) err = config_read(&d->config, &d->home, e);
  if (err) return err;
  log_open(&d->log, d->config.log_level);
  const char *host = d->config.url + strlen("https://"), *path = strchr(host, '/');
  d->path_prefix = path ? path : "";
  return PARLEY_OK;
}

static parley_err in_home(const struct daemon *d, char path[static HOME_PATH_MAX], const char *name, struct errmsg *e) {
  if (home_path(&d->home, path, name)) return PARLEY_OK;
  return err_set(e, PARLEY_ELIMIT, "the path of the home is too long: %.200s…", d->home.dir);
}

static parley_err read_card(struct daemon *d, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  bool unproved;
  parley_err err = in_home(d, path, "card.json", e);
  if (!err) err = file_read(&text, path, CARD_SIZE_MAX, e);
  if (!err) err = card_parse(&d->own, &d->arena, buf_view(&text), NULL, &unproved, e);
  if (!err && strcmp(d->own.name, d->config.name) != 0)
    err = err_set(e, PARLEY_ECONFLICT, "%s is the card of %s, but parley.conf names %s", path, d->own.name,
                  d->config.name);
  buf_free(&text);
  return err;
}

static void warn_of_expiry(const struct daemon *d) {
  struct errmsg e;
  const int64_t now = daemon_wall_s();
  if (card_check_time(&d->own, now, &e))
    log_line(&d->log, LOG_AS_WARNING, "our own card: %s", e.text);
  else if (d->own.not_after - now < EXPIRY_WARNING_S)
    log_line(&d->log, LOG_AS_WARNING, "our own card expires in %lld days",
             (long long)((d->own.not_after - now) / 86400));
}

static parley_err open_store(struct daemon *d, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  parley_err err = in_home(d, path, "store.sqlite", e);
  if (!err) err = store_sqlite_open(&d->store, path, NULL, e);
  if (err) return err;
  d->store = fault_store(d->store);
  return d->store ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for the store");
}

static parley_err open_signer(struct daemon *d, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  parley_err err = in_home(d, path, "signer", e);
  if (!err) err = memory_file_open(&d->memory, path, e);
  if (!err)
    err = signer_new(&d->signer, d->own.name, d->keys.statement, d->keys.log, d->keys.mirror,
                     memory_file_memory(d->memory), e);
  if (err) return err;
  d->keys.statement = d->keys.log = d->keys.mirror = NULL; /* the signer's now */
  d->has_log_before = d->keys.log_before != NULL;
  signer_set_log_before(d->signer, d->keys.log_before);
  d->keys.log_before = NULL;
  return err;
}

/* ---- node ---- */

/* A card that has expired since it was pinned is left out with a warning: the others go on. */
static parley_err pin_one(void *ctx, const struct pin *p, struct bytes card, struct errmsg *e) {
  struct daemon *d = ctx;
  const parley_err err = node_pin(d->node, card, e);
  if (err != PARLEY_EREFUSED) return err;
  log_line(&d->log, LOG_AS_WARNING, "%s is not reachable: %s", p->party, e->text);
  return PARLEY_OK;
}

static parley_err own_before(void *ctx, struct bytes envelope, struct errmsg *e) {
  return node_own_before(((struct daemon *)ctx)->node, envelope, e);
}

static void list_witnesses(struct daemon *d) {
  for (size_t i = 0; i < d->config.n_witnesses; i++) {
    const struct config_witness *w = &d->config.witness[i];
    d->witnesses[i] = (struct node_witness){w->name, w->url, *w->pin ? w->pin : NULL};
  }
}

#define OPEN_LOGS_SIZE_MAX (1u << 20)

/* The vkeys of open-logs, one a line; '#' begins a comment. */
static parley_err read_open_logs(struct daemon *d, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  struct buf text = {0};
  struct bytes line;
  size_t number = 0;
  if (!strcmp(d->config.open_mirror, "none")) return PARLEY_OK;
  parley_err err = in_home(d, path, "open-logs", e);
  if (!err) err = file_read(&text, path, OPEN_LOGS_SIZE_MAX, e);
  if (err) {
    buf_free(&text);
    return err_prefix(e, err, "open_mirror is on, but its list of logs cannot be read");
  }
  if (text.n && text.p[text.n - 1] != '\n') buf_str(&text, "\n");
  struct bytes rest = buf_view(&text);
  while (!err && bytes_line(&rest, &line)) {
    number++;
    if (!line.n || line.p[0] == '#') continue;
    err = node_open_log(d->node, line, e);
    if (err) err_prefix(e, err, "open-logs, line %zu", number);
  }
  buf_free(&text);
  return err;
}

static parley_err open_node(struct daemon *d, struct errmsg *e) {
  list_witnesses(d);
  const struct node_env env = {.ctx = d,
                               .wall_s = env_wall,
                               .mono_ms = env_mono,
                               .random = env_random,
                               .store = d->store,
                               .signer = d->signer,
                               .seal = d->keys.seal,
                               .n_seal = d->keys.n_seal,
                               .forms = (const struct form *const *)d->forms.forms,
                               .n_forms = d->forms.n,
                               .witnesses = d->witnesses,
                               .n_witnesses = d->config.n_witnesses,
                               .parallel = env_parallel,
                               .log = env_log};
  parley_err err = pool_start(&d->pool, e);
  if (!err) err = node_open(&d->node, &env, d->own.envelope, e);
  if (!err) err = home_cards_before(&d->home, own_before, d, e);
  if (!err) err = home_pins(&d->home, pin_one, d, e);
  if (!err) err = read_open_logs(d, e);
  return err ? err : node_start(d->node, e);
}

/* ---- network ---- */

parley_err daemon_set_gate_pins(struct daemon *d, struct errmsg *e) {
  size_t parties = 0, n = 0;
  const struct card *c;
  while (node_pinned(d->node, parties)) parties++;
  const char **names = calloc(parties * LINK_PINS_MAX + 1, sizeof *names);
  const char **pins = calloc(parties * LINK_PINS_MAX + 1, sizeof *pins);
  for (size_t i = 0; names && pins && (c = node_pinned(d->node, i)) != NULL; i++)
    for (size_t k = 0; k < c->n_link; k++, n++) {
      names[n] = c->name;
      pins[n] = c->link[k];
    }
  const parley_err err = names && pins ? gate_set_pins(d->gate, names, pins, n, e)
                                       : err_set(e, PARLEY_ENOMEM, "out of memory for link pins");
  free(names);
  free(pins);
  return err;
}

struct http_client_config daemon_client_config(const struct daemon *d) {
  return (struct http_client_config){.key_pem_path = d->keys.link_key,
                                     .cert_pem_path = d->keys.link_cert,
                                     .proxy = d->config.proxy,
                                     .no_proxy = d->config.no_proxy,
                                     .proxy_ca = d->config.proxy_ca};
}

static parley_err open_network(struct daemon *d, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  const struct http_handler handler = daemon_handler(d);
  const struct http_client_config client = daemon_client_config(d);
  const struct gate_config gate = {
      .listen = d->config.listen, .key_pem_path = d->keys.link_key, .cert_pem_path = d->keys.link_cert};
  parley_err err = in_home(d, path, "parleyd.sock", e);
  if (!err) err = http_client_new(&d->client, &client, e);
  if (!err) err = gate_start(&d->gate, &gate, &d->messages, e);
  if (!err) err = daemon_renewed(d, e);
  if (!err && strcmp(d->config.open_mirror, "none")) err = open_listen(&d->open, d->config.open_mirror, e);
  return err ? err : http_server_start(&d->server, path, &handler, e); /* last: who can connect finds all of it */
}

static parley_err open_signals(struct daemon *d, struct errmsg *e) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  d->probed = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return d->signals < 0 || d->probed < 0 ? err_set(e, PARLEY_EIO, "cannot wait for signals") : PARLEY_OK;
}

parley_err daemon_open(struct daemon *d, const char *home_dir, struct errmsg *e) {
  *d = (struct daemon){.signals = -1, .messages = -1, .probed = -1, .open = -1, .keys.link_fd = -1};
  log_open(&d->log, "info");
  parley_err err = open_home(d, home_dir, e);
  if (!err) err = read_card(d, e);
  if (!err) err = open_store(d, e);
  if (!err) err = home_keys_load(&d->keys, &d->home, &d->own, home_passphrase, NULL, e);
  if (!err) err = home_forms_load(&d->forms, &d->home, e);
  if (!err) err = open_signer(d, e);
  if (!err) err = open_node(d, e);
  if (!err) daemon_proofs_back(d);
  if (!err) err = open_signals(d, e);
  if (!err) err = open_network(d, e);
  if (!err) warn_of_expiry(d);
  return err;
}

void daemon_close(struct daemon *d) {
  probe_end(d->probe);
  d->probe = NULL;
  if (d->server) http_server_stop(d->server);
  if (d->client) http_client_free(d->client); /* tells the node about what it cancels */
  daemon_forget_lines(d);
  if (d->gate) gate_stop(d->gate);
  if (d->messages >= 0) close(d->messages);
  if (d->signals >= 0) close(d->signals);
  if (d->probed >= 0) close(d->probed);
  if (d->open >= 0) close(d->open);
  daemon_backup_free(d); /* before the store is closed */
  node_close(d->node);
  pool_stop(d->pool);
  signer_free(d->signer);
  memory_file_close(d->memory);
  home_forms_free(&d->forms);
  home_keys_free(&d->keys);
  if (d->store) store_close(d->store);
  arena_free(&d->arena);
}
