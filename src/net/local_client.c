#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/client_priv.h"
#include "net/sys.h"

struct local { /* one request under way */
  CURL *easy;
  struct local_answer *answer;
  const char *unix_path;
  int file_fd, out_fd;
  uint64_t file_left, sent;
  int file_errno, out_errno;
  bool file_short, too_long, no_memory;
  http_progress progress;
  void *ctx;
  char error[CURL_ERROR_SIZE];
};

void local_answer_free(struct local_answer *a) {
  buf_free(&a->body);
  a->status = 0;
}

static size_t on_upload(char *out, size_t size, size_t n, void *ctx) {
  struct local *l = ctx;
  const size_t cap = size * n < l->file_left ? size * n : (size_t)l->file_left;
  if (cap == 0) {
    return 0;
  }
  ssize_t got;
  do {
    got = read(l->file_fd, out, cap);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    l->file_errno = got < 0 ? errno : 0;
    l->file_short = true;
    return CURL_READFUNC_ABORT;
  }
  l->file_left -= (uint64_t)got;
  l->sent += (uint64_t)got;
  if (l->progress != NULL) {
    l->progress(l->ctx, l->sent);
  }
  return (size_t)got;
}

static bool write_all(struct local *l, const char *p, size_t n) {
  while (n > 0) {
    const ssize_t done = write(l->out_fd, p, n);
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      l->out_errno = done < 0 ? errno : EIO;
      return false;
    }
    p += done;
    n -= (size_t)done;
  }
  return true;
}

static size_t on_download(char *p, size_t size, size_t n, void *ctx) {
  struct local *l = ctx;
  const size_t bytes = size * n;
  long status = 0;
  curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &status);
  if (l->out_fd >= 0 && status == 200) {
    if (!write_all(l, p, bytes)) {
      return 0;
    }
    if (l->file_fd < 0) { /* else it is what was sent that counts */
      l->sent += bytes;
      if (l->progress != NULL) {
        l->progress(l->ctx, l->sent);
      }
    }
    return bytes;
  }
  if (bytes > HTTP_RESPONSE_MAX - l->answer->body.n) {
    l->too_long = true;
    return 0;
  }
  buf_add(&l->answer->body, p, bytes);
  l->no_memory = !buf_ok(&l->answer->body);
  return l->no_memory ? 0 : bytes;
}

static parley_err explain(const struct local *l, CURLcode rc, struct errmsg *e) {
  long number = 0;
  curl_easy_getinfo(l->easy, CURLINFO_OS_ERRNO, &number);
  if (l->file_short) {
    return l->file_errno != 0 ? err_set(e, PARLEY_EIO, "cannot read the file: %s", strerror(l->file_errno))
                              : err_set(e, PARLEY_EIO, "the file became shorter while it was read");
  }
  if (l->out_errno != 0) {
    return err_set(e, l->out_errno == ENOSPC ? PARLEY_EFULL : PARLEY_EIO, "cannot write the answer: %s",
                   strerror(l->out_errno));
  }
  if (l->too_long) {
    return err_set(e, PARLEY_ELIMIT, "the node's answer is longer than %u MiB", HTTP_RESPONSE_MAX >> 20);
  }
  if (l->no_memory || rc == CURLE_OUT_OF_MEMORY) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for the node's answer");
  }
  if (rc == CURLE_COULDNT_CONNECT && number == EACCES) {
    return err_set(e, PARLEY_EUNREACHABLE, "%s may not be opened by this user", l->unix_path);
  }
  if (rc == CURLE_COULDNT_CONNECT) {
    return err_set(e, PARLEY_EUNREACHABLE, "no node listens on %s; start it with parleyd", l->unix_path);
  }
  return err_set(e, PARLEY_EUNREACHABLE, "the node on %s broke off: %s", l->unix_path,
                 l->error[0] != '\0' ? l->error : curl_easy_strerror(rc));
}

static bool set_target(struct local *l, const char *method, const char *path) {
  struct buf url = {0};
  buf_fmt(&url, "http://localhost%s", path);
  const char *text = buf_cstr(&url);
  bool ok = text != NULL && client_common(l->easy, method, text, "http");
  buf_free(&url);
  CURLcode rc = curl_easy_setopt(l->easy, CURLOPT_UNIX_SOCKET_PATH, l->unix_path);
  rc |= curl_easy_setopt(l->easy, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
  rc |= curl_easy_setopt(l->easy, CURLOPT_PROXY, ""); /* http_proxy is not about us */
  rc |= curl_easy_setopt(l->easy, CURLOPT_ERRORBUFFER, l->error);
  rc |= curl_easy_setopt(l->easy, CURLOPT_WRITEFUNCTION, on_download);
  rc |= curl_easy_setopt(l->easy, CURLOPT_WRITEDATA, l);
  return ok && rc == CURLE_OK;
}

static bool set_body(struct local *l, struct curl_slist **headers, const char *method, const char *content_type,
                     struct bytes body, uint64_t file_size) {
  CURLcode rc = CURLE_OK;
  const bool file = l->file_fd >= 0;
  if (file || body.n > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
    rc |= curl_easy_setopt(l->easy, CURLOPT_POST, 1L);
    rc |= curl_easy_setopt(l->easy, CURLOPT_CUSTOMREQUEST, method);
    rc |= curl_easy_setopt(l->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(file ? file_size : body.n));
    if (file) {
      rc |= curl_easy_setopt(l->easy, CURLOPT_READFUNCTION, on_upload);
      rc |= curl_easy_setopt(l->easy, CURLOPT_READDATA, l);
    } else {
      rc |= curl_easy_setopt(l->easy, CURLOPT_POSTFIELDS, body.n == 0 ? "" : (const char *)body.p);
    }
    if (!client_header(headers, "Content-Type", content_type == NULL ? "" : content_type)) {
      return false;
    }
  }
  if (!client_header(headers, "Expect", "")) {
    return false;
  }
  rc |= curl_easy_setopt(l->easy, CURLOPT_HTTPHEADER, *headers);
  return rc == CURLE_OK;
}

static CURLcode perform(CURL *easy) {
  struct sigpipe_guard guard;
  sigpipe_guard_begin(&guard);
  const CURLcode rc = curl_easy_perform(easy);
  sigpipe_guard_end(&guard);
  return rc;
}

parley_err local_request(struct local_answer *answer, const char *unix_path, const char *method, const char *path,
                         const char *content_type, struct bytes body, int file_fd, uint64_t file_size, int out_fd,
                         http_progress progress, void *ctx, struct errmsg *e) {
  *answer = (struct local_answer){0};
  const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
  if (strlen(unix_path) > path_max) {
    return err_set(e, PARLEY_EINVAL, "path of the local socket has %zu bytes, at most %zu are possible",
                   strlen(unix_path), path_max);
  }
  if (path[0] != '/' || file_size > INT64_MAX) {
    return err_set(e, PARLEY_EINVAL, "the request's path must begin with '/', and its file must have a possible size");
  }
  struct local l = {.easy = curl_easy_init(),
                    .answer = answer,
                    .unix_path = unix_path,
                    .file_fd = file_fd,
                    .out_fd = out_fd,
                    .file_left = file_size,
                    .progress = progress,
                    .ctx = ctx};
  struct curl_slist *headers = NULL;
  parley_err err = PARLEY_OK;
  if (l.easy == NULL || !set_target(&l, method, path) ||
      !set_body(&l, &headers, method, content_type, body, file_size)) {
    err = err_set(e, PARLEY_ENOMEM, "cannot prepare the request: out of memory");
  } else {
    const CURLcode rc = perform(l.easy);
    long status = 0;
    curl_easy_getinfo(l.easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (unsigned)status;
    err = rc == CURLE_OK ? PARLEY_OK : explain(&l, rc, e);
  }
  curl_easy_cleanup(l.easy);
  curl_slist_free_all(headers);
  if (err != PARLEY_OK) {
    local_answer_free(answer);
  }
  return err;
}
