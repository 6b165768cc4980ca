/*
 * Files that go with a statement: looked at before anything is sent, then uploaded into a draft.
 */
#ifndef PARLEY_CLI_ATTACH_H
#define PARLEY_CLI_ATTACH_H

#include "base/json.h"
#include "cli/options.h"
#include "forum/statement.h"

struct attachment {
  const char *path, *name, *type;
  int fd;
  uint64_t size;
  uint8_t sha256[SHA256_SIZE];
};

struct attachments {
  struct attachment file[STATEMENT_ATTACH_MAX];
  size_t n;
  uint64_t bytes;
};

/* Opens and reads every file of --attach. The message names the file. attachments_close in any case. */
parley_err attachments_open(struct cli *c, struct attachments *out, const struct args *a, struct errmsg *e);
/* "files" of the request. */
bool attachments_json(const struct attachments *at, json_t *request);
/* Uploads all into the draft, sends it, and waits until its statement is made; *id in the arena. */
parley_err attachments_send(struct cli *c, const struct attachments *at, const char *draft, const char **id,
                            struct errmsg *e);
void attachments_close(struct attachments *at);

#endif
