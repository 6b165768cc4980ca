#include "net/gate_priv.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define CHAIN_SIZE_MAX 16384 /* bytes of certificates a stranger may send */

void gate_refuse(struct gate *g, const char *fmt, ...) {
  struct errmsg text;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text.text, sizeof text.text, fmt, ap);
  va_end(ap);
  pthread_mutex_lock(&g->lock);
  g->refusals++;
  g->last_refusal = text;
  pthread_mutex_unlock(&g->lock);
}

static bool spki_digest(uint8_t out[static SHA256_SIZE], X509 *cert) {
  unsigned char *der = NULL;
  const int n = cert == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
  if (n <= 0) {
    return false;
  }
  sha256(out, BYTES(der, (size_t)n));
  OPENSSL_free(der);
  return true;
}

/* Replaces X.509 path validation: a certificate is good when its key is pinned, and for no other reason. */
static int verify_pin(X509_STORE_CTX *store, void *arg) {
  struct gate *g = arg;
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct conn *c = ssl == NULL ? NULL : SSL_get_app_data(ssl);
  bool pinned = false;
  if (c != NULL && spki_digest(c->spki, X509_STORE_CTX_get0_cert(store))) {
    pthread_mutex_lock(&g->lock);
    const char *name = gate_pins_find(&g->pins, c->spki);
    if (name != NULL) {
      snprintf(c->name, sizeof c->name, "%s", name);
      pinned = true;
    }
    pthread_mutex_unlock(&g->lock);
    c->unpinned = !pinned;
  }
  X509_STORE_CTX_set_error(store, pinned ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return pinned;
}

/* Never ask on the terminal: a passphrase-protected key is an error here. */
static int no_passphrase(char *out, int size, int writing, void *arg) {
  (void)out;
  (void)size;
  (void)writing;
  (void)arg;
  return -1;
}

static parley_err load_keys(SSL_CTX *t, const char *key_path, const char *cert_path, struct errmsg *e) {
  SSL_CTX_set_default_passwd_cb(t, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(t, cert_path) != 1) {
    return err_set(e, PARLEY_EIO, "cannot read the link certificate %s: %s", cert_path,
                   ERR_reason_error_string(ERR_peek_last_error()));
  }
  if (SSL_CTX_use_PrivateKey_file(t, key_path, SSL_FILETYPE_PEM) != 1) {
    return err_set(e, PARLEY_EIO, "cannot read the link key %s: %s", key_path,
                   ERR_reason_error_string(ERR_peek_last_error()));
  }
  if (SSL_CTX_check_private_key(t) != 1) {
    return err_set(e, PARLEY_EINVAL, "the link key %s does not belong to the certificate %s", key_path, cert_path);
  }
  return PARLEY_OK;
}

static void set_policy(SSL_CTX *t, struct gate *g) {
  SSL_CTX_set_verify(t, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback(t, verify_pin, g);
  SSL_CTX_set_max_cert_list(t, CHAIN_SIZE_MAX);
  /* Every connection proves its key anew, so that removing a pin takes effect at once: no tickets, no resumption. */
  SSL_CTX_set_options(t, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(t, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(t, 0);
  SSL_CTX_set_mode(t, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(t, 1);
  SSL_CTX_set_default_read_buffer_len(t, GATE_BUFFER_SIZE);
}

parley_err gate_tls_new(SSL_CTX **out, struct gate *g, const char *key_path, const char *cert_path, struct errmsg *e) {
  ERR_clear_error();
  SSL_CTX *t = SSL_CTX_new(TLS_server_method());
  if (t == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for TLS");
  }
  parley_err err = PARLEY_OK;
  if (SSL_CTX_set_min_proto_version(t, TLS1_3_VERSION) != 1 || SSL_CTX_set_max_proto_version(t, TLS1_3_VERSION) != 1) {
    err = err_set(e, PARLEY_EINVAL, "this OpenSSL is configured without TLS 1.3");
  }
  if (err == PARLEY_OK) {
    err = load_keys(t, key_path, cert_path, e);
  }
  ERR_clear_error();
  if (err != PARLEY_OK) {
    SSL_CTX_free(t);
    return err;
  }
  set_policy(t, g);
  *out = t;
  return PARLEY_OK;
}

bool gate_tls_attach(struct gate *g, struct conn *c) {
  c->ssl = SSL_new(g->tls);
  if (c->ssl == NULL || SSL_set_app_data(c->ssl, c) != 1 || SSL_set_fd(c->ssl, c->tcp) != 1) {
    return false;
  }
  SSL_set_accept_state(c->ssl);
  return true;
}

static void refuse_handshake(struct gate *g, const struct conn *c) {
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
  if (c->unpinned) {
    gate_refuse(g, "certificate of %s is not pinned", c->address);
  } else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    gate_refuse(g, "%s showed no certificate", c->address);
  } else if (reason == SSL_R_UNSUPPORTED_PROTOCOL) {
    gate_refuse(g, "%s does not speak TLS 1.3", c->address);
  } else if (text == NULL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    gate_refuse(g, "%s closed the connection during the handshake", c->address);
  } else {
    gate_refuse(g, "handshake with %s failed: %s", c->address, text);
  }
}

enum tls_step gate_tls_handshake(struct gate *g, struct conn *c) {
  ERR_clear_error();
  const int rc = SSL_do_handshake(c->ssl);
  if (rc == 1) {
    /* Belt and braces: the verify callback must have run and found a name. */
    if (c->name[0] != '\0' && !c->unpinned && SSL_version(c->ssl) == TLS1_3_VERSION && !SSL_session_reused(c->ssl)) {
      return TLS_DONE;
    }
    gate_refuse(g, "%s was not identified by the handshake", c->address);
    return TLS_REFUSED;
  }
  switch (SSL_get_error(c->ssl, rc)) {
  case SSL_ERROR_WANT_READ: c->read_wants = EPOLLIN; return TLS_WAIT;
  case SSL_ERROR_WANT_WRITE: c->read_wants = EPOLLOUT; return TLS_WAIT;
  default:
    refuse_handshake(g, c);
    ERR_clear_error();
    return TLS_REFUSED;
  }
}
