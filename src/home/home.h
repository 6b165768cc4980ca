/*
 * A party's home, $PARLEY_HOME (default ~/.parley): where its files lie and how they are read and written. Used by the
 * command line and the daemon alike; everything else in the home goes through the node.
 *
 *   parley.conf            configuration, one commented file
 *   card.json              own card (envelope); card.<serial>.json those that it replaced
 *   keys/                  0700: statement.pem log.pem mirror.pem (PKCS#8), seal.<label>.txt (age identity),
 *                          link.key.pem link.cert.pem,
 *                          seal.<label>.<serial>.txt: of a card that was replaced, for what was sealed to it,
 *                          link.next.key.pem link.next.cert.pem: until every counterpart has the card that names it,
 *                          before/log.pem: the log key before, until every log has a checkpoint under both,
 *                          rotation.age (PKCS#8 in a passphrase-protected age file: to be moved to a safe)
 *                          any of them may instead be passphrase-protected, with .age after its name
 *   change/, change.new/   a change of the keys that is decided, or being prepared
 *   signer/                0700: the signer's memory; never in a backup
 *   store.sqlite           the store
 *   parleyd.sock           local API, 0600
 *   trust/<party>/         card.json, pin.json, basis (the file that the pin rests on)
 *   proofs/<party>-<digits>/  proofs of two histories that the node keeps, written anew where one is missing
 *   forms/                 further forms (*.json) beside those compiled in
 */
#ifndef PARLEY_HOME_HOME_H
#define PARLEY_HOME_HOME_H

#include "formats/age.h"
#include "forum/card.h"
#include "forum/form.h"

#define HOME_PATH_MAX 1024
#define PIN_BASIS_MAX (16u << 20) /* bytes of the file that a pin rests on */

struct home {
  char dir[HOME_PATH_MAX];
};

/* dir NULL: $PARLEY_HOME, else $HOME/.parley. ELIMIT when too long. Does not touch the disk. */
parley_err home_at(struct home *out, const char *dir, struct errmsg *e);
/* "<dir>/<name>"; false when too long. */
bool home_path(const struct home *h, char out[static HOME_PATH_MAX], const char *name);
/* True when there is a card.json. */
bool home_exists(const struct home *h);

/* Whole file, at most max bytes. ENOTFOUND, ELIMIT, EIO; the message names the path. */
parley_err file_read(struct buf *out, const char *path, size_t max, struct errmsg *e);
/* Written beside, synced, renamed over, directory synced. mode for new files. EFULL, EIO. */
parley_err file_write(const char *path, struct bytes data, unsigned mode, struct errmsg *e);

/* ---- configuration ---- */

#define CONFIG_WITNESSES_MAX 64

/* Where a neutral witness of a charter listens: "witness = NAME URL [PIN]", a line each. */
struct config_witness {
  char name[NOTE_NAME_MAX + 1]; /* of its vkey */
  char url[URL_MAX + 1];        /* https://, or http:// to a loopback address */
  char pin[LINK_PIN_SIZE];      /* "sha256//…" of its certificate's key; "": the system's authorities are asked */
};

struct config {
  char name[PARTY_NAME_MAX + 1];
  char listen[128];        /* address:port of the gate */
  char url[URL_MAX + 1];   /* public URL: submission and monitoring */
  char proxy[URL_MAX + 1]; /* "" none; may hold a password: for people, config_shown */
  char no_proxy[1024];     /* hosts reached without it */
  char proxy_ca[512];      /* PEM file; "" the system's authorities */
  char compress[8];        /* auto, always, never */
  char log_level[16];      /* error, warning, info */
  struct config_witness witness[CONFIG_WITNESSES_MAX];
  size_t n_witnesses;
  char open_mirror[128];   /* address:port on loopback; "none" */
};

struct config_option {
  const char *name, *fallback, *help;
};
extern const struct config_option config_options[]; /* ends with name NULL */

void config_defaults(struct config *c);
/* Lines "name = value", '#' comments. EINVAL names line and option, with the nearest right one. */
parley_err config_read(struct config *out, const struct home *h, struct errmsg *e);
/* The commented file with the values of c (a value that is the default stands commented out). */
void config_write(struct buf *out, const struct config *c);
/* "" for `witness`, which may be repeated; NULL: no such option. */
const char *config_value(const struct config *c, const char *option);
/* The same for people to see: "none" for no proxy, and no password. buf_ok and buf_cstr as always. */
void config_shown(struct buf *out, const struct config *c, const char *option);

/* ---- keys ---- */

#define HOME_SEAL_MAX 64

struct home_keys {
  struct ed25519_key *statement, *log, *mirror;
  struct ed25519_key *log_before;          /* the log key that the present one replaced, while it is needed; NULL */
  struct age_identity seal[HOME_SEAL_MAX]; /* the card's labels in its order, those on this machine; then older keys */
  size_t n_seal;
  char link_key[HOME_PATH_MAX], link_cert[HOME_PATH_MAX];
  int link_fd; /* memory that link_key names when the file is protected, else -1 */
};

/*
 * Asks for a passphrase (terminal) or reads it from the file named by $PARLEY_PASSPHRASE_FILE. prompt names the key
 * file.
 */
typedef parley_err (*passphrase_fn)(void *ctx, const char *prompt, struct buf *out, struct errmsg *e);
/*
 * Loads all keys of the card. A missing statement, log, mirror or link key is an error; so is having no seal key. Files
 * that others can read are refused.
 */
parley_err home_keys_load(struct home_keys *out, const struct home *h, const struct card *own, passphrase_fn ask,
                          void *ctx, struct errmsg *e);
/* Wipes and frees what is still owned (a pointer that was handed on is set NULL by its taker). */
void home_keys_free(struct home_keys *k);
/* The ready-made passphrase_fn described above. ctx: path of a file to read instead, "" for the terminal in any case, NULL. */
parley_err home_passphrase(void *ctx, const char *prompt, struct buf *out, struct errmsg *e);

struct home_new {
  const char *name, *listen, *url;  /* url NULL: https://<listen> */
  struct bytes rotation_passphrase; /* empty: one is made */
  bool protect_keys;                /* protect all keys with key_passphrase */
  struct bytes key_passphrase;
  int64_t now; /* seconds */
};

/*
 * Makes a home, whole or not at all (built beside, then renamed). ECONFLICT when one is there. *made gets the rotation
 * passphrase that was made ("" when given). Card valid for two years from now (not_before one day earlier, for clocks
 * that differ). The rotation key and protected keys are sealed with scrypt, N = 2^18 (256 MiB, about a second);
 * $PARLEY_SCRYPT_LOG_N, 10 to 20, overrides the 18 for tests.
 */
parley_err home_init(const struct home *h, const struct home_new *n, struct buf *made, struct errmsg *e);

/* ---- the next card ---- */

struct home_renewal {
  struct bytes rotation;             /* the file of the rotation key of the card in force, as it lay in the safe */
  const char *rotation_passphrase;   /* path of the file that holds its passphrase; "": asked for at the terminal */
  passphrase_fn ask;                 /* for protected keys that stay */
  void *ctx;                         /* of ask */
  bool statement, log, mirror, link; /* keys to replace */
  const char *const *seal;           /* labels whose key is replaced; NULL-terminated, may be NULL; likewise below */
  const char *const *add;            /* new labels */
  const char *const *drop;           /* labels to leave out; the key stays on this machine */
  const char *new_rotation;          /* path for a new rotation key, which must not exist; NULL: it stays */
  struct bytes new_passphrase;       /* of that file; empty: one is made */
  const char *url;                   /* NULL: it stays */
  int64_t days;                      /* of validity from now; 0: as many as a first card has */
  int64_t now;                       /* seconds */
  /* Called before anything changes, when a passphrase was made: whatever happens after it, the new rotation key can be opened. May be NULL. */
  void (*tell)(const char *new_rotation, const char *passphrase);
};
/*
 * Makes the card of the next serial and the keys that it names, whole or not at all (key_files.h). A key that is replaced need not be there any more; one
 * that stays must. *made gets the passphrase that was made for a new rotation key. Afterwards parleyd is to be started again.
 * EREFUSED: not the rotation key of the card in force, or the wrong passphrase. EINVAL: a label.
 */
parley_err home_renew(const struct home *h, const struct home_renewal *r, struct buf *made, struct errmsg *e);
/* Finishes what a crash interrupted. Before anything else is read. */
parley_err home_finish_change(const struct home *h, struct errmsg *e);
/* Own cards that were replaced, newest first: calls f for each. */
typedef parley_err (*card_fn)(void *ctx, struct bytes envelope, struct errmsg *e);
parley_err home_cards_before(const struct home *h, card_fn f, void *ctx, struct errmsg *e);
/* card.json is this very envelope still, and will be: since it was read no next card was made. */
bool home_card_is(const struct home *h, struct bytes envelope);
/* The log key before is no longer needed: removes it. Nothing to do is OK. */
parley_err home_forget_before(const struct home *h, struct errmsg *e);
/* Every counterpart has the card that names the next link key: it becomes the one in use at the next start. *adopted: there was one. */
parley_err home_adopt_link(const struct home *h, bool *adopted, struct errmsg *e);
/* Protects all keys that stay here with a passphrase, or none (empty), whole or not at all. */
parley_err home_protect(const struct home *h, passphrase_fn ask, void *ctx, struct bytes passphrase, struct errmsg *e);

/* ---- proofs of two histories (record/fork.h), for people ---- */

struct home_file {
  const char *name; /* with at most one folder */
  struct bytes data;
};
bool home_proof_there(const struct home *h, const char *id);
/* Writes proofs/<id>/, whole or not at all. */
parley_err home_proof_write(const struct home *h, const char *id, const struct home_file *files, size_t n,
                            struct errmsg *e);

/*
 * Calls f with the files of each folder in proofs/, names as in home_proof_write, VERIFY.md left out. A folder that cannot be read (a file
 * over HOME_PROOF_FILE_MAX bytes, more than HOME_PROOF_FILES_MAX) is passed over: f is called with n 0 and why in e.
 */
#define HOME_PROOF_FILE_MAX 65536
#define HOME_PROOF_FILES_MAX 80
parley_err home_proofs_read(const struct home *h,
                            void (*f)(void *ctx, const char *id, const struct home_file *files, size_t n,
                                      const struct errmsg *e),
                            void *ctx, struct errmsg *e);

/* ---- pins ---- */

struct pin {
  char party[PARTY_NAME_MAX + 1];
  uint8_t fingerprint[SHA256_SIZE];
  int64_t pinned_at;
  char basis_name[256]; /* "" when none */
  uint8_t basis_sha256[SHA256_SIZE];
};

/*
 * Writes trust/<party>/ after all checks that need no node: the card parses, its fingerprint is `fingerprint`, it is
 * valid at now, the name is not ours, not pinned to another card (ECONFLICT), no key stands in our card or another
 * pinned one. basis may be empty, and is kept only with a new pin.
 */
parley_err home_pin(const struct home *h, struct bytes card_envelope, const uint8_t fingerprint[static SHA256_SIZE],
                    const char *basis_name, struct bytes basis, int64_t now, bool *already, struct errmsg *e);
/* Calls f for each pin in name order with the card's envelope. A damaged pin is an error that names the folder. */
typedef parley_err (*pin_fn)(void *ctx, const struct pin *p, struct bytes card_envelope, struct errmsg *e);
parley_err home_pins(const struct home *h, pin_fn f, void *ctx, struct errmsg *e);

/* Forms: compiled in, and those in forms/. *out and its forms are the caller's (home_forms_free). */
struct home_forms {
  struct form **forms;
  size_t n;
};
parley_err home_forms_load(struct home_forms *out, const struct home *h, struct errmsg *e);
void home_forms_free(struct home_forms *f);

#endif
