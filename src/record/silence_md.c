/*
 * VERIFY.md of evidence of non-delivery: what it is, what it is not, and how to check the two signatures that matter by
 * hand. It is no evidence itself; that its commands work is tested (tests/interop/debian-verify-silence.sh).
 */
#include "base/time.h"
#include "record/silence_parts.h"

static const char about[] =
    "\nTHIS IS NOT A PROOF OF DELIVERY. It shows two things:\n\n"
    "1. The statement in `entry.json` existed at the time that a neutral witness signed: it stands in the author's "
    "log, "
    "and a\n   checkpoint of that log that covers it carries the witness's cosignature (`proof.tlog-proof`). The "
    "witness "
    "saw the\n   checkpoint, not the text. `charter.json`, which the members signed, names the witnesses and their "
    "keys.\n"
    "2. As far as this folder shows, the parties below had cosigned nothing of that log beyond the size given. That "
    "they "
    "received\n   nothing does not follow: a machine that receives and does not answer looks the same. Nor does it "
    "show "
    "that nothing was\n   cosigned later.\n\n"
    "`attempts.json` is the author's own word for what it tried.\n\n"
    "All of it: `parley verify --fingerprint PARTY=HEX ... .`; the proof alone: any tool that reads C2SP tlog-proof "
    "and "
    "tlog-policy,\nwith the bytes of `entry.json` as the leaf. docs/protocol.md in parley's sources says what each "
    "file "
    "is.\n\n"
    "By hand, with `openssl` (3.0 or newer) and `python3`, in one `bash`: that the entry is in the tree, that each "
    "witness signed that\ntree and when, and what each silent party cosigned last.\n\n"
    "```sh\n"
    "export work=$(mktemp -d)\n"
    "cat > \"$work/silence.py\" <<'PYTHON'\n"
    "import base64, datetime, hashlib, json, os, subprocess\n"
    "def b64(s): return base64.b64decode(s, validate=True)\n"
    "def sha(*parts): return hashlib.sha256(b\"\".join(parts)).digest()\n"
    "def cosigned(text, line, vkey):   # openssl judges; what is said is the time\n"
    "    name, sig = line.split()[1], b64(line.split()[2])\n"
    "    if vkey.split(\"+\")[0] != name: return print(name, \"HAS ANOTHER NAME THAN THE KEY\")\n"
    "    time = int.from_bytes(sig[4:12], \"big\")\n"
    "    der = bytes.fromhex(\"302a300506032b6570032100\") + b64(vkey.split(\"+\", 2)[2])[1:]\n"
    "    pem = \"-----BEGIN PUBLIC KEY-----\\n%s\\n-----END PUBLIC KEY-----\\n\" % base64.b64encode(der).decode()\n"
    "    for f, data in (\"key\", pem.encode()), (\"message\", b\"cosignature/v1\\ntime %d\\n\" % time + "
    "text.encode()), "
    "(\"signature\", sig[12:]):\n"
    "        open(os.environ[\"work\"] + \"/\" + f, \"wb\").write(data)\n"
    "    bad = subprocess.run(\"openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile "
    "signature\".split(), "
    "cwd=os.environ[\"work\"], stdout=subprocess.DEVNULL).returncode\n"
    "    when = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime(\"%Y-%m-%d %H:%M:%S UTC\")\n"
    "    print(name, \"DID NOT SIGN THIS\" if bad else \"cosigned size %s at %s\" % (text.split(\"\\n\")[1], when))\n"
    "def root(i, n, leaf, path):       # RFC 6962, section 2.1.1\n"
    "    if n == 1: return leaf\n"
    "    k = 1 << (n - 1).bit_length() - 1\n"
    "    if i < k: return sha(b\"\\1\", root(i, k, leaf, path[:-1]), path[-1])\n"
    "    return sha(b\"\\1\", path[-1], root(i - k, n - k, leaf, path[:-1]))\n"
    "head, text, lines = open(\"proof.tlog-proof\").read().split(\"\\n\\n\")\n"
    "_, index, *path = head.split(\"\\n\")\n"
    "origin, size, tree = text.split(\"\\n\")[:3]\n"
    "got = root(int(index.split()[1]), int(size), sha(b\"\\0\", open(\"entry.json\", \"rb\").read()), [b64(h) for h in "
    "path])\n"
    "print(\"entry.json is entry\", index.split()[1] if got == b64(tree) else \"OF ANOTHER TREE\")\n"
    "named = json.loads(b64(json.load(open(\"charter.json\"))[\"payload\"]))[\"witnesses\"]\n"
    "for line in lines.splitlines()[1:]:\n"
    "    keys = [k for k in named if k.split(\"+\")[0] == line.split()[1]]\n"
    "    cosigned(text + \"\\n\", line, keys[0]) if keys else print(line.split()[1], \"IS NO WITNESS OF THE "
    "CHARTER\")\n"
    "for party in json.load(open(\"silent.json\"))[\"silent\"]:\n"
    "    if not party[\"size\"]: print(party[\"party\"], \"has cosigned nothing\"); continue\n"
    "    text, lines = open(\"silent/\" + party[\"party\"]).read().split(\"\\n\\n\")\n"
    "    card = json.loads(b64(json.load(open(\"cards/%s.json\" % party[\"party\"]))[\"payload\"]))\n"
    "    cosigned(text + \"\\n\", lines.splitlines()[1], card[\"keys\"][\"mirror\"])\n"
    "PYTHON\n"
    "python3 \"$work/silence.py\"\n"
    "```\n\n"
    "A word in capitals there means that something is wrong. (Where a party has replaced its keys since, its mirror "
    "key is "
    "in an older\ncard beside.) That the cards are those of the parties, their fingerprints say, told by another "
    "way.\n";

void silence_md(struct buf *out, const struct statement *s, const struct silence_list *silent) {
  char time[TIME_TEXT_SIZE];
  time_format(time, s->issued);
  buf_fmt(out, "# Evidence of non-delivery\n\n%s of %s, dated %s.\n", s->kind, s->from, time);
  buf_str(out, about);
  buf_str(out, "\n## Silent\n\n");
  for (size_t i = 0; i < silent->n; i++) {
    const struct silence_party *p = &silent->list[i];
    time_format(time, p->time);
    if (p->size)
      buf_fmt(out, "- %s: newest cosignature over the first %llu entries, at %s (`silent/%s`)\n", p->party,
              (unsigned long long)p->size, time, p->party);
    else
      buf_fmt(out, "- %s: no cosignature of this log at all\n", p->party);
  }
}
