/*
 * Shared by test_gate, test_server and test_client: identities in a private directory, a handler whose routes show what
 * it was given, and a raw HTTP/1.1 speaker over one descriptor. Everything runs on loopback with ports chosen by the
 * system, and waits on events; a wait that outlasts FIXTURE_PATIENCE_MS fails the test.
 */
#ifndef PARLEY_TESTS_NET_FIXTURE_H
#define PARLEY_TESTS_NET_FIXTURE_H

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "net/gate.h"
#include "net/server.h"

#define FIXTURE_PATIENCE_MS 20000
#define FIXTURE_PATH_SIZE 96

struct identity {
  char key[FIXTURE_PATH_SIZE], cert[FIXTURE_PATH_SIZE];
  char pin[LINK_PIN_SIZE];
};

/* A fresh directory, and its removal with all files in it. */
void fixture_dir(char out[static 64]);
void fixture_dir_remove(const char *dir);
void identity_make(struct identity *out, const char *dir, const char *name);

/*
 * Routes: /who (what begin saw), /echo (the body), /count (its length), /limit (413 once the body exceeds 1 MiB),
 * /refuse (403 in begin), /later (waits in fixture_handler.later), /stream?N (N bytes, streamed), /cut (a stream that
 * fails half way), /none (no answer), /memory (begin returns NULL). Others: 404.
 */
struct fixture_handler {
  size_t begun, ended, done, owners_freed;
  size_t data_after_refusal;
  size_t largest; /* body bytes the handler has seen in one request */
  void *later;
  char last_path[128];
};
struct http_handler fixture_handler(struct fixture_handler *h);
/* Byte i of /stream. */
uint8_t fixture_stream_byte(uint64_t i);

/* Runs the server once, waiting at most until fd or the server is ready. events as for poll(2). */
void fixture_turn(struct http_server *s, int fd, short events, int64_t until_ms);
int64_t fixture_until_ms(void);

struct raw_answer {
  unsigned status;
  struct buf head, body;
  bool closed; /* the server closed the connection */
};

/* Sends n bytes over fd and reads one answer, of which raw_head expects no body. The server runs meanwhile. */
void raw_talk(struct raw_answer *out, struct http_server *s, int fd, const void *request, size_t n);
void raw_head(struct raw_answer *out, struct http_server *s, int fd, const char *request);
bool raw_has(const struct raw_answer *a, const char *header_line);
void raw_free(struct raw_answer *a);

#endif
