/*
 * What a store backend implements. Callers use store.h only; its functions check bounds and transactions and then call
 * these. A backend's begin…del run only inside the states that store.c allows; ranges arrive clamped and not empty.
 */
#ifndef PARLEY_STORE_BACKEND_H
#define PARLEY_STORE_BACKEND_H

#include "store/store.h"

struct store_ops {
  parley_err (*begin)(struct store *, struct errmsg *);
  parley_err (*commit)(struct store *, struct errmsg *); /* on failure the transaction is gone */
  void (*rollback)(struct store *);                      /* allowed when the engine has already rolled back */
  parley_err (*seq_get)(struct store *, enum store_seq, uint32_t, uint64_t, struct arena *, struct bytes *,
                        struct errmsg *);
  parley_err (*seq_put)(struct store *, enum store_seq, uint32_t, uint64_t, struct bytes, struct errmsg *);
  parley_err (*seq_delete)(struct store *, enum store_seq, uint32_t, uint64_t, uint64_t, struct errmsg *);
  parley_err (*seq_scan)(struct store *, enum store_seq, uint32_t, uint64_t, uint64_t, store_seq_fn, void *,
                         struct errmsg *);
  parley_err (*get)(struct store *, enum store_map, struct bytes, struct arena *, struct bytes *, struct errmsg *);
  parley_err (*put)(struct store *, enum store_map, struct bytes, struct bytes, struct errmsg *);
  parley_err (*del)(struct store *, enum store_map, struct bytes, struct errmsg *);
  parley_err (*scan)(struct store *, enum store_map, struct bytes, struct bytes, bool, store_map_fn, void *,
                     struct errmsg *);
  uint64_t (*bytes)(struct store *);
  parley_err (*checkpoint)(struct store *, struct errmsg *);
  parley_err (*backup)(struct store *, const char *, struct store_backup **, struct errmsg *);
  void (*close)(struct store *);
};

struct store {
  const struct store_ops *ops;
  bool open;         /* a transaction is open */
  parley_err failed; /* why the open transaction has been rolled back already, or PARLEY_OK */
  struct errmsg why; /* its sentence */
};

/* Names of the tables, for SQL and for messages; t must be below the count. */
const char *store_seq_name(enum store_seq t);
const char *store_map_name(enum store_map t);

#endif
