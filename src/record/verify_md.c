/*
 * VERIFY.md: how to check an evidence pack by hand, for people who have no parley. It is not evidence itself, so nobody
 * checks it; that its commands work is tested (tests/interop/debian-packs.sh).
 */
#include "base/time.h"
#include "record/pack_parts.h"

static const char intro[] = "\n"
                            "Nothing here needs parley, a network, or trust in whoever handed this folder over. What "
                            "is needed: `openssl` (3.0 or\n"
                            "newer), `sha256sum`, `python3`. Run the commands in this folder, from top to bottom, in "
                            "one `bash`; read what each one says it\n"
                            "proves. Where the same can be had faster: `parley verify --fingerprint PARTY=HEX ... .`\n"
                            "\n"
                            "This text is no evidence: whoever changed the folder could change it too. The same steps "
                            "stand in parley's sources\n"
                            "(tools/verify-with-stock-tools), and docs/protocol.md there says what each file is.\n"
                            "\n"
                            "## 0. Two helpers\n"
                            "\n"
                            "The first takes the files apart (JSON, base64, the arithmetic of Merkle trees); it judges "
                            "no signature. The second lets\n"
                            "`openssl` judge.\n"
                            "\n"
                            "```sh\n"
                            "export work=$(mktemp -d)\n"
                            "cat > \"$work/pack.py\" <<'PYTHON'\n";

static const char helper_files[] =
    "import base64, hashlib, json, os, sys\n"
    "def b64(s): return base64.b64decode(s, validate=True)\n"
    "def sha(*parts): return hashlib.sha256(b\"\".join(parts)).digest()\n"
    "def load(f): return json.loads(b64(json.load(open(f))[\"payload\"]))\n"
    "def note(f):                      # text and signature lines of a checkpoint, which in a proof stands last\n"
    "    text, lines = open(f).read().split(\"\\n\\n\")[-2:]\n"
    "    return text + \"\\n\", lines.splitlines()\n"
    "def payload(f): sys.stdout.buffer.write(b64(json.load(open(f))[\"payload\"]))\n"
    "def show(f): print(json.dumps(load(f), indent=2, ensure_ascii=False))\n"
    "def for_openssl(card, key, message, signature):\n"
    "    k = load(card)[\"keys\"][key]   # PEM, or name+id+base64 of a type byte and the 32 bytes of the key\n"
    "    if key not in (\"statement\", \"rotation\"):\n"
    "        der = bytes.fromhex(\"302a300506032b6570032100\") + b64(k.split(\"+\", 2)[2])[1:]\n"
    "        k = \"-----BEGIN PUBLIC KEY-----\\n%s\\n-----END PUBLIC KEY-----\\n\" % base64.b64encode(der).decode()\n"
    "    for name, data in (\"key\", k.encode()), (\"message\", message), (\"signature\", signature):\n"
    "        open(os.environ[\"work\"] + \"/\" + name, \"wb\").write(data)\n"
    "def signed(f, n, card, key):      # signature n of an envelope is over this message (DSSE)\n"
    "    e = json.load(open(f)); t, p = e[\"payloadType\"].encode(), b64(e[\"payload\"])\n"
    "    message = b\"DSSEv1 %d %s %d %s\" % (len(t), t, len(p), p)\n"
    "    for_openssl(card, key, message, b64(e[\"signatures\"][int(n)][\"sig\"]))\n"
    "def card(how, f, n, party, key):  # the file of the card of this party whose key signature n says that it is by\n"
    "    import glob\n"
    "    files = [\"cards/%s.json\" % party] + glob.glob(\"cards/%s.*.json\" % party)\n"
    "    for c in sorted((c for c in files if load(c)[\"name\"] == party), key=lambda c: -load(c)[\"serial\"]):\n"
    "        k = load(c)[\"keys\"][key]\n"
    "        if how == \"signed\":\n"
    "            der = base64.b64decode(\"\".join(k.split(\"\\n\")[1:-2]))\n"
    "            if json.load(open(f))[\"signatures\"][int(n)][\"keyid\"] == sha(der).hex(): return print(c)\n"
    "        else:                      # a note's key id is over the name that the line gives\n"
    "            _, name, sig = note(f)[1][int(n)].split()\n"
    "            if sha(name.encode(), b\"\\n\", b64(k.split(\"+\", 2)[2]))[:4] == b64(sig)[:4]: return print(c)\n"
    "    print(\"cards/%s.json\" % party)\n";

static const char helper_proofs[] =
    "def noted(f, n, card, key):       # signature line n of a checkpoint: key id, for a mirror the time, signature\n"
    "    text, sig = note(f)[0].encode(), b64(note(f)[1][int(n)].split()[2])\n"
    "    time = int.from_bytes(sig[4:12], \"big\")\n"
    "    for_openssl(card, key, (b\"cosignature/v1\\ntime %d\\n\" % time if key == \"mirror\" else b\"\") + text, "
    "sig[-64:])\n"
    "def time(f, n): print(\"@%d\" % int.from_bytes(b64(note(f)[1][int(n)].split()[2])[4:12], \"big\"))\n"
    "def included(entry, f):           # RFC 6962: hash upwards from the entry; the end must be the checkpoint's root\n"
    "    _, size, root, _ = note(f)[0].split(\"\\n\")\n"
    "    _, i, *path = open(f).read().split(\"\\n\\n\")[0].split(\"\\n\")\n"
    "    i, last, r = int(i[6:]), int(size) - 1, sha(b\"\\0\", open(entry, \"rb\").read())\n"
    "    for s in map(b64, path):\n"
    "        while i == last > 0 and i % 2 == 0: i, last = i // 2, last // 2\n"
    "        r, i, last = sha(b\"\\1\", s, r) if i % 2 else sha(b\"\\1\", r, s), i // 2, last // 2\n"
    "    print(\"included\" if r == b64(root) and last == 0 else \"NOT INCLUDED\")\n"
    "def grown(entry, f, proof):       # RFC 6962: the tree that the entry names is the beginning of this one\n"
    "    _, size, root, _ = note(f)[0].split(\"\\n\")\n"
    "    old = load(entry)[\"bulk\"]; first = b64(old[\"root\"])\n"
    "    p = [b64(s) for s in (open(proof).read().split() if int(size) > old[\"size\"] else [root])]\n"
    "    def walk(m, n, whole):        # old and new root of a subtree of n leaves, the first m of them old\n"
    "        if m == n: return (first if whole else p.pop(),) * 2\n"
    "        k, s = 1 << (n - 1).bit_length() - 1, p.pop()\n"
    "        if m <= k: a, b = walk(m, k, whole); return a, sha(b\"\\1\", b, s)\n"
    "        a, b = walk(m - k, n - k, False); return sha(b\"\\1\", s, a), sha(b\"\\1\", s, b)\n"
    "    fits = walk(old[\"size\"], int(size), True) == (first, b64(root)) and p == [first]\n"
    "    print(\"consistent\" if fits else \"NOT CONSISTENT\")\n"
    "def same(body, entry): print(\"the text\" if sha(open(body, \"rb\").read()).hex() == "
    "load(entry)[\"body_sha256\"] else \"NOT THE TEXT\")\n"
    "def sealed(entry): sys.stdout.buffer.write(b64(load(entry)[\"sealed\"]))\n"
    "def attached(entry, body):\n"
    "    for n, (a, f) in enumerate(zip(load(entry)[\"attach\"], json.load(open(body))[\"files\"])):\n"
    "        if os.path.exists(\"files/%d.age\" % n):\n"
    "            clear = next(x for x in os.listdir(\"files\") if x.split(\".\")[0] == str(n) and x != \"%d.age\" % "
    "n)\n"
    "            digests = [sha(open(\"files/\" + x, \"rb\").read()).hex() for x in (\"%d.age\" % n, clear)]\n"
    "            print(\"file %d:\" % n, \"attached\" if digests == [a[\"sha256\"], f[\"sha256\"]] else \"NOT "
    "ATTACHED\")\n"
    "globals()[sys.argv[1]](*sys.argv[2:])\n";

static const char who[] = "PYTHON\n"
                          "pack() { python3 \"$work/pack.py\" \"$@\"; }\n"
                          "check() { pack \"$@\" && openssl pkeyutl -verify -pubin -inkey \"$work/key\" -rawin -in "
                          "\"$work/message\" -sigfile \"$work/signature\"; }\n"
                          "by() { check \"$1\" \"$2\" \"$3\" \"$(pack card \"$@\")\" \"$5\"; }   # signed|noted FILE "
                          "NUMBER PARTY KEY\n"
                          "```\n"
                          "\n"
                          "## 1. Who they are\n"
                          "\n"
                          "The fingerprint of a card is the SHA-256 of its payload. **Compare these with the "
                          "fingerprints that you were given by the\n"
                          "parties themselves, by another way than this folder.** Everything below rests on that: "
                          "anyone can make a whole folder like this\n"
                          "one with keys of his own.\n"
                          "\n";

/* Commands for one card, and what they prove. before: the card that it replaces; NULL: not in the pack. */
static void card_commands(struct buf *out, const char *file, const char *before) {
  static const char *const keys[] = {"statement", "log", "mirror"};
  buf_fmt(out, "pack payload %s | sha256sum\n", file);
  for (size_t i = 0; i < 3; i++) buf_fmt(out, "check signed %s %zu %s %s\n", file, i, file, keys[i]);
  if (before != NULL) buf_fmt(out, "check signed %s 3 %s rotation\n", file, before);
}

static void card_section(struct buf *out, const struct pack_cards *cards, const char *party, const char *role) {
  const struct pack_run run = pack_run(cards, party);
  struct pack_file_name before;
  buf_fmt(out, "%s, `%s`%s:\n\n```sh\n", role, party, run.n > 1 ? ", from the oldest card to the newest" : "");
  for (size_t i = 0; i < run.n; i++) {
    const struct pack_file_name file = pack_run_file(run, i);
    card_commands(out, file.text, i > 0 ? before.text : NULL);
    before = file;
  }
  buf_str(out, "```\n\n");
}

static void parties_section(struct buf *out, const struct statement *s, const struct pack_cards *cards) {
  card_section(out, cards, s->from, "Author");
  for (size_t i = 0; i < s->n_to; i++) card_section(out, cards, s->to[i], "Addressee");
  buf_str(
      out,
      "Each signature must be `Signature Verified Successfully`: the holder of the three keys made the card. Where a "
      "party has\nseveral cards here, each but the first is also signed with the rotation key of the one before it: "
      "whoever knows the\nfingerprint of the first knows all. Below, a signature of that party may be under any of "
      "them; `card` finds out which.\n\n");
}

static void charter_section(struct buf *out) {
  buf_str(
      out,
      "## 2. The rules they agreed on\n\n"
      "The digest of the charter must be the one that the statement names as `charter`; its `members` must name the "
      "fingerprints\nof step 1. The forum's id, `forum`, is the digest of the first charter: this one, or "
      "`charter.0.json` where "
      "there is one,\nand then each version names in `replaces` the digests of those before it.\n\n"
      "```sh\npack show charter.json\nfor f in charter*.json; do echo $f; pack payload $f | sha256sum; done\npack show "
      "entry.json\n```\n\n"
      "Signatures stand in the order of the members; number 0 is the first. Of a version after the first not every "
      "member's is needed. For each party of step 1 that signed, with its "
      "number "
      "for N\nand its name for PARTY: `by signed charter.json N PARTY statement`\n\n");
}

static void checkpoint_commands(struct buf *out, const char *file, const char *author, const struct pack_cover *c) {
  buf_fmt(out, "by noted %s 0 %s log\n", file, author);
  for (size_t i = 0; i < c->n; i++)
    buf_fmt(out, "by noted %s %zu %s mirror\ndate -u -d \"$(pack time %s %zu)\"\n", file, i + 1,
            c->who.to[i].list[0]->name, file, i + 1);
}

/* Of whom nothing is proved. */
static void not_covered(struct buf *out, const struct statement *s, const struct pack_manual *m) {
  size_t n = 0;
  for (size_t i = 0; i < s->n_to; i++) {
    bool found = false;
    for (size_t k = 0; k < m->n_proofs; k++)
      for (size_t j = 0; j < m->proofs[k].n; j++) found = found || m->proofs[k].at[j] == i;
    if (found) continue;
    buf_fmt(out, n++ == 0 ? "**This folder says nothing about the delivery to** `%s`" : ", `%s`", s->to[i]);
  }
  if (n > 0) buf_str(out, ".\n\n");
}

static void statement_section(struct buf *out, const struct statement *s, const struct pack_manual *m) {
  buf_str(
      out,
      "## 3. What was said, and that it was delivered\n\n"
      "The author's key signed the entry; the entry is in the author's log; the log signed its state, and so did each "
      "addressee:\n*I durably hold this.* The date is the addressee's own. The checkpoint's first line must name the "
      "author, the "
      "forum's id and a\nnumber.\n\n```sh\n");
  buf_fmt(out, "by signed entry.json 0 %s statement\n", s->from);
  for (size_t k = 0; k < m->n_proofs; k++) {
    const struct pack_file_name file = pack_numbered(PACK_PROOF, k);
    buf_fmt(out, "pack included entry.json %s\n", file.text);
    checkpoint_commands(out, file.text, s->from, &m->proofs[k]);
    buf_fmt(out, "tail -n +2 %s\n", file.text);
  }
  buf_str(out, "```\n\n");
  not_covered(out, s, m);
  buf_str(out, "The text itself is sealed to the parties: whoever of them shows it also shows its digest, which must "
               "be `body_sha256`.\n"
               "`policy.tlog-policy` says the same demands in the form that tools for transparency logs (C2SP "
               "tlog-policy) read.\n\n");
}

static void files_section(struct buf *out, const struct statement *s, const struct pack_manual *m) {
  if (!s->has_bulk) return;
  buf_str(out, "## 4. The files\n\n");
  if (m->n_bulks == 0) {
    buf_str(out, "Files are attached, but their delivery was not yet proved when this folder was written.\n\n");
    return;
  }
  buf_str(out, "Files lie, sealed, in a second log. Its state was signed in the same way, and what the statement names "
               "as `bulk` is the\n"
               "beginning of it (or all of it, and then there is no file `bulk/consistency`).\n\n```sh\n");
  for (size_t k = 0; k < m->n_bulks; k++) {
    const struct pack_file_name file = pack_numbered(PACK_BULK_CHECKPOINT, k),
                                grown = pack_numbered(PACK_BULK_CONSISTENCY, k);
    checkpoint_commands(out, file.text, s->from, &m->bulks[k]);
    buf_fmt(out, "pack grown entry.json %s %s\ncat %s\n", file.text, grown.text, file.text);
  }
  buf_str(out, "```\n\n");
}

static void answer_commands(struct buf *out, const struct statement *s, const struct pack_trio *f) {
  buf_fmt(out, "\n```sh\npack show %s\n(printf '\\0'; cat entry.json) | sha256sum\n", f->entry);
  if (s->n_to == 1)
    buf_fmt(out, "from=%s\n", s->to[0]);
  else
    buf_fmt(out, "from=$(pack show %s | sed -n 's/^  \"from\": \"\\(.*\\)\",$/\\1/p')\n", f->entry);
  buf_fmt(out, "by signed %s 0 $from statement\npack included %s %s\nby noted %s 0 $from log\n", f->entry, f->entry,
          f->proof, f->proof);
  buf_fmt(out, "by noted %s 1 %s mirror\ndate -u -d \"$(pack time %s 1)\"\n```\n\n", f->proof, s->from, f->proof);
}

static void ack_section(struct buf *out, const struct statement *s, const struct pack_manual *m) {
  buf_str(out, "## 5. That a person received it\n\n");
  if (!m->has_ack) {
    buf_str(out, "No acknowledgement was there when this folder was written.\n\n");
    return;
  }
  buf_str(out, "An addressee, through the officer that it names, said: *received*; that is no agreement. In what the "
               "first command shows,\n`kind` must be `ack`, `from` an addressee, and `re` the id of the statement, "
               "which the second computes (the digest of a zero\nbyte and the entry).\n");
  answer_commands(out, s, &pack_ack_files);
}

static void reject_section(struct buf *out, const struct statement *s, const struct pack_manual *m) {
  if (!m->has_reject) return;
  buf_str(out,
          "## 6. That it was rejected\n\nAn addressee said: *delivered, and not accepted as it is*. The delivery "
          "stands. `kind` must be `reject`; the rest as in\nstep 5. Where the same party also acknowledged it, the "
          "numbers after `index` in the two proofs say which came later: an\nacknowledgement after a rejection ends "
          "the dispute, a rejection after an acknowledgement counts for nothing.\n");
  answer_commands(out, s, &pack_reject_files);
  if (m->has_reject_body)
    buf_str(out, "Its ground is disclosed. The digest must be the `body_sha256` of reject/entry.json:\n\n```sh\ncat "
                 "reject/body.json; echo\nsha256sum reject/body.json\npack same reject/body.json reject/entry.json\n"
                 "```\n\n");
}

static void disclosed_section(struct buf *out, const struct pack_manual *m) {
  if (!m->has_body) return;
  buf_str(out,
          "## 7. What was written\n\nThe text is disclosed, with its seed. Its digest must be the `body_sha256` that "
          "the author signed:\n\n```sh\ncat body.json; echo\nsha256sum body.json\npack same body.json entry.json\n"
          "```\n\n");
  if (m->has_files)
    buf_str(out,
            "Files are disclosed, in clear and (`.age`) sealed. The digests of those in clear must be the `sha256` "
            "in body.json, in its order;\nthose of the sealed ones the `sha256` in the `attach` of entry.json:\n\n"
            "```sh\nsha256sum files/*\npack attached entry.json body.json\n```\n\n");
  buf_str(out,
          "Whoever holds the key of a desk to which it was sealed can open it with `age` and see that it is the same:\n"
          "`pack sealed entry.json > sealed.age; age -d -i KEY sealed.age | cmp - body.json`");
  if (m->has_files) buf_str(out, " and `age -d -i KEY files/0.age | sha256sum`");
  buf_str(out, ".\nThat the addressees were able to open it follows without their keys: sealed again with the seed in "
               "it, it must give the same\nbytes. That needs more than these tools (docs/protocol.md, section 8); "
               "`parley verify` does it.\n");
}

void pack_verify_md(struct buf *out, const struct statement *s, const struct pack_manual *m) {
  char issued[TIME_TEXT_SIZE];
  time_format(issued, s->issued);
  buf_fmt(out,
          "# How to check this by hand\n\nThis folder proves that `%s` sent a statement of kind `%s`, precedence %s, "
          "dated %s, and to whom\nit was delivered.\n",
          s->from, s->kind, precedence_name(s->precedence), issued);
  buf_str(out, intro);
  buf_str(out, helper_files);
  buf_str(out, helper_proofs);
  buf_str(out, who);
  parties_section(out, s, m->cards);
  charter_section(out);
  statement_section(out, s, m);
  files_section(out, s, m);
  ack_section(out, s, m);
  reject_section(out, s, m);
  disclosed_section(out, m);
}
