/*
 * Errors are values: every fallible function returns a parley_err and, on failure, writes one sentence for people
 * into a struct errmsg: what is wrong, where, and what to do. Printing happens at the edge (cli, daemon) only.
 */
#ifndef PARLEY_BASE_ERR_H
#define PARLEY_BASE_ERR_H

typedef enum {
  PARLEY_OK = 0,
  PARLEY_EINVAL,       /* malformed or forbidden input; errmsg names the member, line or field */
  PARLEY_EVERIFY,      /* a signature, hash or proof does not verify */
  PARLEY_ENOTFOUND,    /* no such thing here */
  PARLEY_ECONFLICT,    /* contradicts what is already held */
  PARLEY_ELIMIT,       /* over a documented bound */
  PARLEY_EREFUSED,     /* understood and refused by a rule */
  PARLEY_EBUSY,        /* try again later */
  PARLEY_EIO,          /* disk or network failed */
  PARLEY_EFULL,        /* no space left */
  PARLEY_ENOMEM,       /* out of memory */
  PARLEY_EUNREACHABLE, /* the other side cannot be reached */
  PARLEY_EEVIDENCE     /* proof of wrongdoing was found */
} parley_err;

/* Text of the last failure, UTF-8, NUL-terminated, at most 511 bytes. A NULL struct errmsg * is allowed everywhere. */
struct errmsg {
  char text[512];
};

/* Formats the message into e (when not NULL) and returns code, so that callers write: return err_set(e, CODE, …). */
__attribute__((format(printf, 3, 4))) parley_err err_set(struct errmsg *e, parley_err code, const char *fmt, ...);

/* Puts "prefix: " before the text already in e and returns code unchanged. */
__attribute__((format(printf, 3, 4))) parley_err err_prefix(struct errmsg *e, parley_err code, const char *fmt, ...);

/* A fixed English name for a code ("invalid", "does not verify", …); never NULL. */
const char *err_name(parley_err code);

#endif
