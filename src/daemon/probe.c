#include "daemon/probe.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_SECONDS (PROBE_TRY_SECONDS - 1)
#define STALL_SECONDS (PROBE_TRY_SECONDS - 3)
#define TURN_MS 200 /* how soon a node that stops is heeded */

struct asking { /* one request; what is cancelled is told of after the thread is gone */
  struct probe *probe;
  struct probe_try *try;
};

struct probe {
  pthread_t thread;
  bool started;
  atomic_bool stop, over;
  int wake;
  int64_t (*wall_s)(void);
  struct http_client_config config;
  struct http_client *client;
  char link[LINK_PINS_MAX][LINK_PIN_SIZE];
  const char *pins[LINK_PINS_MAX + 1];
  struct probe_seen seen;
  struct asking any, v4, v6, large_request, large_answer;
};

static void on_done(void *ctx, const struct http_outcome *o) {
  const struct asking *a = ctx;
  *a->try = (struct probe_try){.made = true,
                               .cause = o->cause,
                               .connected = o->connected,
                               .ready = o->ready,
                               .status = o->status,
                               .date = o->date,
                               .now = a->probe->wall_s(),
                               .size = o->received};
  snprintf(a->try->message, sizeof a->try->message, "%s", o->message);
  snprintf(a->try->tried, sizeof a->try->tried, "%s", o->tried);
}

static void ask(struct asking *a, const char *url, int family, size_t padding) {
  const struct http_try how = {.family = family, .padding = padding, .seconds = PROBE_TRY_SECONDS};
  struct errmsg e = {""};
  if (http_client_try(a->probe->client, url, a->probe->pins, &how, on_done, a, &e) != PARLEY_OK) {
    const struct http_outcome failed = {.cause = HTTP_OURSELVES, .message = e.text, .tried = ""};
    on_done(a, &failed);
  }
}

static void wait_for_all(struct probe *p) {
  while (http_client_active(p->client) > 0 && !atomic_load(&p->stop)) {
    http_client_run(p->client);
    if (http_client_active(p->client) > 0) http_client_poll(p->client, NULL, 0, TURN_MS);
  }
}

static bool answered(const struct probe_try *t) { return t->made && t->cause == HTTP_ANSWERED; }

static void run(struct probe *p) {
  struct probe_seen *s = &p->seen;
  if (s->proxy[0] || s->is_address) {
    ask(&p->any, s->url, 0, 0);
  } else {
    ask(&p->v4, s->url, 4, 0);
    ask(&p->v6, s->url, 6, 0);
  }
  wait_for_all(p);
  const int family = answered(&s->v4) ? 4 : answered(&s->v6) ? 6 : 0;
  if (!answered(&s->any) && family == 0) return;
  ask(&p->large_request, s->url, family, HTTP_PADDING_MAX);
  wait_for_all(p);
  if (!answered(&s->large_request) || !s->large_url[0]) return;
  ask(&p->large_answer, s->large_url, family, 0);
  wait_for_all(p);
}

static void *thread(void *arg) {
  struct probe *p = arg;
  const uint64_t one = 1;
  run(p);
  atomic_store(&p->over, true);
  const ssize_t n = write(p->wake, &one, sizeof one);
  (void)n; /* an eventfd that is full wakes as well */
  return NULL;
}

/* ---- beginning and end ---- */

static parley_err set_target(struct probe *p, const struct card *card, const char *large_url, struct errmsg *e) {
  struct probe_seen *s = &p->seen;
  const char *host = card->submission + strlen("https://");
  const size_t n = strcspn(host, "/");
  if (n >= sizeof s->where - sizeof ":443") return err_set(e, PARLEY_ELIMIT, "the address in its card is too long");
  const bool port = memchr(host, ':', n) && host[n - 1] != ']';
  snprintf(s->where, sizeof s->where, "%.*s%s", (int)n, host, port ? "" : ":443");
  s->is_address = host[0] == '[' || strspn(host, "0123456789.") == strcspn(host, ":/");
  snprintf(s->party, sizeof s->party, "%s", card->name);
  snprintf(s->url, sizeof s->url, "%s/", card->submission);
  snprintf(s->large_url, sizeof s->large_url, "%s", large_url);
  for (size_t i = 0; i < card->n_link && i < LINK_PINS_MAX; i++) {
    snprintf(p->link[i], sizeof p->link[i], "%s", card->link[i]);
    p->pins[i] = p->link[i];
  }
  return PARLEY_OK;
}

/* Signals belong to the main thread. */
static parley_err begin(struct probe *p, struct errmsg *e) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  p->started = pthread_create(&p->thread, NULL, thread, p) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return p->started ? PARLEY_OK : err_set(e, PARLEY_EIO, "cannot start a thread; is the number of processes limited?");
}

parley_err probe_start(struct probe **out, const struct http_client_config *config, const struct card *card,
                       const char *large_url, struct http_line line, int64_t (*wall_s)(void), int wake,
                       struct errmsg *e) {
  struct probe *p = calloc(1, sizeof *p);
  if (!p) return err_set(e, PARLEY_ENOMEM, "out of memory");
  p->wall_s = wall_s;
  p->wake = wake;
  p->config = *config;
  p->config.connect_seconds = CONNECT_SECONDS;
  p->config.stall_seconds = STALL_SECONDS;
  p->seen.line = line;
  p->any = (struct asking){p, &p->seen.any};
  p->v4 = (struct asking){p, &p->seen.v4};
  p->v6 = (struct asking){p, &p->seen.v6};
  p->large_request = (struct asking){p, &p->seen.large_request};
  p->large_answer = (struct asking){p, &p->seen.large_answer};
  parley_err err = set_target(p, card, large_url, e);
  if (!err) err = http_client_new(&p->client, &p->config, e);
  if (!err) http_client_proxy(p->client, p->seen.url, p->seen.proxy, sizeof p->seen.proxy);
  if (!err) err = begin(p, e);
  if (err)
    probe_end(p);
  else
    *out = p;
  return err;
}

const struct probe_seen *probe_result(struct probe *p) { return atomic_load(&p->over) ? &p->seen : NULL; }

void probe_end(struct probe *p) {
  if (!p) return;
  atomic_store(&p->stop, true);
  if (p->started) pthread_join(p->thread, NULL);
  http_client_free(p->client); /* on_done writes into p->seen, so before free */
  free(p);
}
