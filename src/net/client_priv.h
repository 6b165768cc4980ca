/*
 * Inside the client: one struct transfer per request, owned by its http_client and known to libcurl as private data.
 */
#ifndef PARLEY_NET_CLIENT_PRIV_H
#define PARLEY_NET_CLIENT_PRIV_H

#include <curl/curl.h>

#include "net/client.h"

#define HTTP_RESPONSE_HEADERS_MAX ((size_t)64 << 10)
#define HTTP_BODY_COPY_MAX ((size_t)64 << 10)
#define HTTP_PINS_MAX 16
#define HTTP_PIN_SIZE 52 /* "sha256//" and 44 of base64 */
#define HTTP_WHERE_SIZE 300

struct transfer {
  struct transfer *prev, *next;
  struct http_client *client;
  CURL *easy;
  struct curl_slist *headers;
  uint8_t *body; /* owned */
  struct buf answer;
  size_t header_bytes;
  bool too_long, no_memory;
  http_done done;
  http_progress progress;
  uint64_t progress_last;
  void *ctx;
  char error[CURL_ERROR_SIZE];
  char where[HTTP_WHERE_SIZE]; /* "127.0.0.1:7002", for messages */
};

struct http_client {
  CURLM *multi;
  char *key_path, *cert_path, *proxy;
  struct transfer *transfers;
  size_t active;
  bool stopping;
};

/* client_url.c: checks an https URL and writes host:port. */
parley_err client_where(char out[static HTTP_WHERE_SIZE], const char *url, struct errmsg *e);
/* Joins pins as libcurl wants them; *out is malloc'd. */
parley_err client_pins(char **out, const char *const *pins, struct errmsg *e);

/* client_transfer.c */
parley_err transfer_new(struct transfer **out, struct http_client *c, const char *method, const char *url,
                        const char *pins, const char *content_type, struct bytes body, bool body_owned,
                        struct errmsg *e);
bool transfer_attach(struct transfer *t); /* once done, progress and ctx are set */
void transfer_free(struct transfer *t);   /* after it left the multi handle */

/* client_error.c: one sentence for people. */
void client_explain(char *out, size_t size, const struct transfer *t, CURLcode rc);

/* Options that every request of ours has, remote and local. */
bool client_common(CURL *easy, const char *method, const char *url, const char *protocols);
bool client_header(struct curl_slist **list, const char *name, const char *value);

#endif
