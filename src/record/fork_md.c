/*
 * VERIFY.md of a proof of two histories: how to check it by hand, for people who have no parley. It is not evidence
 * itself; that its commands work is tested (tests/interop/debian-verify-fork.sh).
 */
#include "base/time.h"
#include "record/fork_parts.h"

static const char helpers[] =
    "Nothing here needs parley, a network, or trust in whoever handed this folder over. What is needed: `openssl` (3.0 "
    "or newer),\n`sha256sum`, `python3`. Run the commands in this folder, from top to bottom, in one `bash`. Where the "
    "same can be had\nfaster: `parley verify --fingerprint PARTY=HEX .`\n\n"
    "This text is no evidence: whoever changed the folder could change it too. docs/protocol.md in parley's sources "
    "says what each\nfile is.\n\n"
    "## 0. Two helpers\n\n"
    "The first takes the files apart; it judges no signature. The second lets `openssl` judge.\n\n"
    "```sh\n"
    "export work=$(mktemp -d)\n"
    "cat > \"$work/fork.py\" <<'PYTHON'\n"
    "import base64, hashlib, json, os, sys\n"
    "def b64(s): return base64.b64decode(s, validate=True)\n"
    "def sha(*parts): return hashlib.sha256(b\"\".join(parts)).digest()\n"
    "def load(f): return json.loads(b64(json.load(open(f))[\"payload\"]))\n"
    "def note(f):                      # text and signature lines of a checkpoint\n"
    "    text, lines = open(f).read().split(\"\\n\\n\")\n"
    "    return text + \"\\n\", lines.splitlines()\n"
    "def payload(f): sys.stdout.buffer.write(b64(json.load(open(f))[\"payload\"]))\n"
    "def for_openssl(card, key, message, signature):\n"
    "    k = load(card)[\"keys\"][key]   # PEM, or name+id+base64 of a type byte and the 32 bytes of the key\n"
    "    if key not in (\"statement\", \"rotation\"):\n"
    "        der = bytes.fromhex(\"302a300506032b6570032100\") + b64(k.split(\"+\", 2)[2])[1:]\n"
    "        k = \"-----BEGIN PUBLIC KEY-----\\n%s\\n-----END PUBLIC KEY-----\\n\" % base64.b64encode(der).decode()\n"
    "    for name, data in (\"key\", k.encode()), (\"message\", message), (\"signature\", signature):\n"
    "        open(os.environ[\"work\"] + \"/\" + name, \"wb\").write(data)\n"
    "def signed(f, n, card, key):      # signature n of a card is over this message (DSSE)\n"
    "    e = json.load(open(f)); t, p = e[\"payloadType\"].encode(), b64(e[\"payload\"])\n"
    "    message = b\"DSSEv1 %d %s %d %s\" % (len(t), t, len(p), p)\n"
    "    for_openssl(card, key, message, b64(e[\"signatures\"][int(n)][\"sig\"]))\n"
    "def noted(f, n, card, key):       # signature line n of a checkpoint: key id, for a mirror the time, signature\n"
    "    text, sig = note(f)[0].encode(), b64(note(f)[1][int(n)].split()[2])\n"
    "    time = int.from_bytes(sig[4:12], \"big\")\n"
    "    for_openssl(card, key, (b\"cosignature/v1\\ntime %d\\n\" % time if key == \"mirror\" else b\"\") + text, "
    "sig[-64:])\n"
    "def contradict():                 # RFC 6962: is the first tree the beginning of the second?\n"
    "    (o, m, r, _), (p, n, s, _) = (note(f + \".checkpoint\")[0].split(\"\\n\") for f in (\"first\", \"second\"))\n"
    "    m, n, r, s = int(m), int(n), b64(r), b64(s)\n"
    "    if o != p or m > n: return print(\"NOT OF ONE LOG, OR IN THE WRONG ORDER\")\n"
    "    if m == n: return print(\"two trees of one size\" if r != s else \"THE SAME TREE\")\n"
    "    begin, *proof = map(b64, open(\"consistency\").read().split())\n"
    "    def walk(m, n, whole):        # root of the first m leaves and of all n, of a subtree\n"
    "        if m == n: return (begin if whole else proof.pop(0),) * 2\n"
    "        k = 1 << (n - 1).bit_length() - 1\n"
    "        if m <= k: a, b = walk(m, k, whole); return a, sha(b\"\\1\", b, proof.pop(0))\n"
    "        a, b = walk(m - k, n - k, False); x = proof.pop(0); return sha(b\"\\1\", x, a), sha(b\"\\1\", x, b)\n"
    "    fits = walk(m, n, True) == (begin, s) if m else begin == sha()\n"
    "    if not fits or proof: return print(\"THE PROOF DOES NOT FIT\")\n"
    "    print(\"the second does not continue the first\" if begin != r else \"ONE HISTORY\")\n"
    "globals()[sys.argv[1]](*sys.argv[2:])\n"
    "PYTHON\n"
    "fork() { python3 \"$work/fork.py\" \"$@\"; }\n"
    "check() { fork \"$@\" && openssl pkeyutl -verify -pubin -inkey \"$work/key\" -rawin -in \"$work/message\" "
    "-sigfile \"$work/signature\"; }\n"
    "```\n\n";

static void title(struct buf *out, const struct fork_result *r) {
  buf_fmt(out,
          "# Proof of two histories\n\nThis folder proves that the holder of the keys of `%s` signed two histories "
          "of one log, that of `%s`,\nwhich cannot both be true. The log is `%s`.\n\n",
          r->parties[0].who.name, r->author, r->origin);
}

static void card_commands(struct buf *out, struct pack_run run, size_t i) {
  static const char *const keys[] = {"statement", "log", "mirror"};
  const struct pack_file_name file = pack_run_file(run, i);
  buf_fmt(out, "fork payload %s | sha256sum\n", file.text);
  for (size_t k = 0; k < 3; k++) buf_fmt(out, "check signed %s %zu %s %s\n", file.text, k, file.text, keys[k]);
  if (i > 0) buf_fmt(out, "check signed %s 3 %s rotation\n", file.text, pack_run_file(run, i - 1).text);
}

static void cards_section(struct buf *out, const struct fork_result *r) {
  buf_str(out,
          "## 1. Whose keys these are\n\nThe fingerprint of a card is the SHA-256 of its payload. **Compare the "
          "first one below with the fingerprint that you were\ngiven by the party itself, by another way than this "
          "folder.** Everything rests on that: anyone can make a whole folder like\nthis one with keys of his "
          "own.\n\n```sh\n");
  for (size_t i = 0; i < r->n_parties; i++) {
    const struct pack_run run = {r->parties[i].who.cards, r->parties[i].who.n_cards};
    for (size_t k = 0; k < run.n; k++) card_commands(out, run, k);
  }
  buf_str(out,
          "```\n\nEach signature must be `Signature Verified Successfully`. Where there are several cards, each but "
          "the first is also signed\nwith the rotation key of the one before it: whoever knows the fingerprint of "
          "the first knows all.\n\n");
}

/* Lines stand as fork_build puts them: the log's signature, then the mirror's. */
static void signatures_section(struct buf *out, const struct fork_result *r) {
  static const char *const files[] = {FORK_FIRST, FORK_SECOND};
  const struct fork_party *p = &r->parties[0];
  const struct pack_run run = {p->who.cards, p->who.n_cards};
  buf_str(out, "## 2. That both were signed\n\n```sh\n");
  for (size_t i = 0; i < 2; i++) {
    size_t line = 0;
    if (p->log) buf_fmt(out, "check noted %s %zu %s log\n", files[i], line++, pack_run_file(run, p->log_card[i]).text);
    if (p->mirror)
      buf_fmt(out, "check noted %s %zu %s mirror\n", files[i], line, pack_run_file(run, p->mirror_card[i]).text);
  }
  buf_str(out, "cat first.checkpoint second.checkpoint\n```\n\n");
  if (p->log) buf_str(out, "A log's signature says: *this is my log, so many entries long, with this root*. ");
  if (p->mirror)
    buf_str(out, "A mirror's signature says: *I durably hold this log, so many entries long, with this root*. ");
  buf_str(out, "The first line of both\ncheckpoints must be the same: it names the log.\n\n");
}

void fork_verify_md(struct buf *out, const struct fork_result *r) {
  title(out, r);
  buf_str(out, helpers);
  cards_section(out, r);
  signatures_section(out, r);
  buf_str(out,
          "## 3. That they contradict each other\n\nA log only grows: the smaller tree must be the beginning of the "
          "larger.\n\n```sh\nfork contradict\n```\n\n");
  buf_str(out,
          r->size[0] == r->size[1]
              ? "It must say `two trees of one size`: under one number of entries two different roots were signed.\n"
              : "It must say `the second does not continue the first`: the first line of `consistency` is the root "
                "that the smaller number\nof entries has in the larger tree, the others prove that, and it is not "
                "the root that was signed.\n");
  buf_str(out,
          "\nNo accident of the line or the disk makes such a pair: it takes the keys, used twice. Which of the two "
          "histories is the true one,\nand who held the keys, this folder does not say.\n");
}
