#!/usr/bin/env python3
"""Checks evidence packs as docs/protocol.md describes them. Shares no code with parley; needs nothing but Python.

usage: verify_pack.py [--fingerprint PARTY=HEX]... DIR

Exit: 0 the pack holds and its parties are who the fingerprints say, 1 it does not hold, 5 it is consistent but the author
or an addressee has no fingerprint given.
"""
import base64
import binascii
import hashlib
import json
import os
import re
import sys
import time

class Bad(Exception): """The pack is refused; the text names the file."""

def need(condition, text):
    if not condition:
        raise Bad(text)

def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()

# ---- Ed25519 (RFC 8032), with the acceptance rule of OpenSSL: s < L, and R compared as bytes ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1

def ed_add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def ed_multiply(n, p):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = ed_add(out, p)
        p, n = ed_add(p, p), n >> 1
    return out

def ed_decode(b):
    number = int.from_bytes(b, "little")
    y, sign = (number & (1 << 255) - 1) % P, number >> 255
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT % P
    if v * x * x % P != u:
        return None
    x = (P - x) % P if x & 1 != sign else x
    return x, y, 1, x * y % P
def ed_encode(p):
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")

BASE = ed_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def ed25519(key, message, sig):
    a, s = ed_decode(key), int.from_bytes(sig[32:], "little")
    if len(sig) != 64 or a is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + message).digest(), "little") % L
    minus_a = (P - a[0], a[1], 1, P - a[3])
    return ed_encode(ed_add(ed_multiply(s, BASE), ed_multiply(h, minus_a))) == sig[:32]

# ---- section 1: conventions ----

HEX64 = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"0|[1-9][0-9]*")
PARTY = re.compile(r"(?=.{1,64}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")

def b64(text, where, size=None):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Bad(f"{where}: not base64") from None
    need(base64.b64encode(data).decode() == text and size in (None, len(data)), f"{where}: not the base64 that it should be")
    return data

def moment(text, where):
    form = "%Y-%m-%dT%H:%M:%SZ"
    need(time.strftime(form, time.strptime(text, form)) == text, f"{where}: not a time")
    return text

def ijson(data, where):
    def members(pairs):
        need(len(dict(pairs)) == len(pairs), f"{where}: a member stands twice")
        return dict(pairs)

    def number(text):
        need(NUMBER.fullmatch(text.lstrip("-")) and abs(int(text)) < 2**53, f"{where}: {text} is no integer, or too large")
        return int(text)

    def walk(value, depth):
        need(depth <= 32, f"{where}: too deep")
        need(not isinstance(value, str) or "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value), f"{where}: bad text")
        inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        for item in inner:
            walk(item, depth + 1)

    try:
        out = json.loads(data.decode(), object_pairs_hook=members, parse_int=number, parse_float=number, parse_constant=number)
    except (ValueError, RecursionError):
        raise Bad(f"{where}: not JSON") from None
    need(isinstance(out, dict), f"{where}: not an object")
    walk(out, 1)
    return out

def fields(value, names, where):
    """The members in this order; those that end with ? may be absent."""
    need(isinstance(value, dict), f"{where}: not an object")
    rest = list(value)
    for name in names.split():
        bare = name.rstrip("?")
        if rest and rest[0] == bare:
            rest.pop(0)
        else:
            need(name.endswith("?"), f"{where}: {bare} is missing or in the wrong place")
    need(not rest and None not in value.values(), f"{where}: {rest} do not belong there")

class Envelope:
    FORM = re.compile(rb'\{"payload":"([A-Za-z0-9+/=]*)","payloadType":"([^"\\]+)","signatures":\[(\{[^\[\]]*\})\]\}')
    SIG = re.compile(rb'\{"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/=]{88})"\}')

    def __init__(self, data, kind, limit, where):
        form = self.FORM.fullmatch(data)
        need(form and len(data) <= limit, f"{where}: not an envelope in the one form")
        need(form[2].decode() == f"application/vnd.parley.{kind}+json", f"{where}: not a {kind}")
        self.where, self.payload = where, b64(form[1].decode(), where)
        found = list(self.SIG.finditer(form[3]))
        need(b",".join(m[0] for m in found) == form[3], f"{where}: signatures are not in the one form")
        self.sigs = [(m[1].decode(), b64(m[2].decode(), where, 64)) for m in found]
        need(len({k for k, _ in self.sigs}) == len(self.sigs), f"{where}: a key signs twice")
        self.message = b"DSSEv1 %d %s %d %s" % (len(form[2]), form[2], len(self.payload), self.payload)
        self.digest, self.json = sha256(self.payload).hex(), ijson(self.payload, where)

    def signed_by(self, number, key):
        keyid = sha256(SPKI + key).hex()
        return number < len(self.sigs) and self.sigs[number][0] == keyid and ed25519(key, self.message, self.sigs[number][1])

SPKI = bytes.fromhex("302a300506032b6570032100")  # DER of an Ed25519 public key, but for its 32 bytes

# ---- section 2: cards ----

class Card:
    def __init__(self, data, where):
        e = Envelope(data, "card", 32768, where)
        c = e.json
        fields(c, "name serial not_before not_after submission monitoring keys", where)
        fields(c["keys"], "statement rotation log mirror seal link", where)
        self.name, self.fingerprint = c["name"], e.digest
        need(where == f"cards/{self.name}.json" and PARTY.fullmatch(self.name), f"{where}: a card of {self.name}")
        need(moment(c["not_before"], where) <= moment(c["not_after"], where), f"{where}: its times are the wrong way round")
        need(c["serial"] == 0, f"{where}: its last signature is by a key that the pack does not hold")
        self.statement, self.rotation = pem(c["keys"]["statement"], where), pem(c["keys"]["rotation"], where)
        self.log, self.mirror = unvkey(c["keys"]["log"], self.name, 1, where), unvkey(c["keys"]["mirror"], self.name + "/mirror", 4, where)
        need(len(e.sigs) == 3, f"{where}: it has not three signatures")
        for i, key in enumerate((self.statement, self.log, self.mirror)):
            need(e.signed_by(i, key), f"{where}: signature {i} does not verify")
        self.keys = [self.statement, self.rotation, self.log, self.mirror] + [s["recipient"] for s in c["keys"]["seal"]] + c["keys"]["link"]

def pem(text, where):
    lines = text.split("\n") if isinstance(text, str) else []
    need(len(lines) == 4 and lines[0] == "-----BEGIN PUBLIC KEY-----" and lines[2:] == ["-----END PUBLIC KEY-----", ""], f"{where}: not a PEM key")
    der = b64(lines[1], where, 44)
    need(der.startswith(SPKI), f"{where}: not an Ed25519 key")
    return der[12:]

def keyid(name, kind, key): return sha256(name.encode(), b"\n", bytes([kind]), key)[:4]
def vkey(name, kind, key): return f"{name}+{keyid(name, kind, key).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"

def unvkey(text, name, kind, where):
    need(isinstance(text, str) and text.count("+") >= 2, f"{where}: not a vkey")
    key = b64(text.split("+", 2)[2], where, 33)[1:]
    need(text == vkey(name, kind, key), f"{where}: not the vkey of {name}")
    return key

# ---- section 3: charters ----

CHARTER = ("title languages nonce legal fields members adoption threshold? quorum ack_seconds heartbeat_seconds clock_tolerance_seconds "
           "attachment_max bytes_per_day bytes_total disclosure retention_days forms procedures witnesses replaces")

def charter(data, cards, where):
    e = Envelope(data, "charter", 512 * 1024, where)
    fields(e.json, CHARTER, where)
    members = e.json["members"]
    for m in members:
        fields(m, "name card role", where)
    names = [m["name"] for m in members]
    need(names == sorted(set(names)) and 1 <= len(names) <= 193, f"{where}: members are not sorted, or stand twice")
    need(len(e.sigs) == len(members), f"{where}: not complete")
    for i, m in enumerate(members):
        card = cards.get(m["name"])
        if card and card.fingerprint == m["card"]:
            need(e.signed_by(i, card.statement), f"{where}: the signature of {m['name']} does not verify")
        else:
            need(len(members) > 2, f"{where}: the card of {m['name']} is not at hand")
    return e

def charters(files, cards, statement):
    names = [f"charter.{k}.json" for k in range(sum(f.startswith("charter.") for f in files) - 1)] + ["charter.json"]
    for name in names:
        need(name in files, f"{name}: missing")
    versions = [charter(files[name], cards, name) for name in names]
    need(versions[-1].digest == statement["charter"], "charter.json: not the one that entry.json cites")
    replaced = {d for v in versions for d in v.json["replaces"]}
    for i, v in enumerate(versions):
        earlier = [x.digest for x in versions[:i]]
        need(i == len(versions) - 1 or v.digest in replaced, f"{names[i]}: replaced by none")
        need(set(v.json["replaces"]) <= set(earlier) and v.digest not in earlier, f"{names[i]}: it replaces what is not there")
        need(bool(v.json["replaces"]) == (i > 0), f"{names[i]}: its predecessors are not there")
    need(versions[0].digest == statement["forum"], f"{names[0]}: not the first charter of the forum")
    by_name = {m["name"]: m["card"] for m in versions[-1].json["members"]}
    for card in cards.values():
        need(by_name.get(card.name) == card.fingerprint, f"cards/{card.name}.json: not the card that charter.json names")

# ---- sections 4 and 7: notes, proofs, policies ----

class Note:
    """The note of a log, with exactly the log's signature and those of the addressees."""

    def __init__(self, data, author, to, forum, suffix, where):
        self.text, _, _ = data.decode("utf-8", "replace").partition("\n\n")
        lines = self.text.split("\n")
        need(len(lines) == 3 and NUMBER.fullmatch(lines[1]), f"{where}: not a checkpoint")
        self.origin, self.size, self.root, self.text = lines[0], int(lines[1]), b64(lines[2], where, 32), self.text + "\n"
        form = re.fullmatch(re.escape(f"{author.name}/{forum}/") + "(" + NUMBER.pattern + ")" + suffix, self.origin)
        need(form and self.size < 2**63, f"{where}: a checkpoint of another log")
        self.epoch, self.times = form[1], []
        sigs = data[len(self.text.encode()) + 1:].decode("utf-8", "replace").split("\n")
        need(len(sigs) == len(to) + 2 and sigs[-1] == "", f"{where}: not as many signatures as parties")
        sig = self.signature(sigs[0], self.origin, 1, author.log, 68, where)
        need(ed25519(author.log, self.text.encode(), sig), f"{where}: the log's signature does not verify")
        for party, line in zip(to, sigs[1:]):
            sig = self.signature(line, party.name + "/mirror", 4, party.mirror, 76, where)
            self.times.append(int.from_bytes(sig[:8], "big"))
            message = f"cosignature/v1\ntime {self.times[-1]}\n{self.text}".encode()
            need(self.times[-1] < 2**63 and ed25519(party.mirror, message, sig[8:]), f"{where}: the cosignature of {party.name} does not verify")

    @staticmethod
    def signature(line, name, kind, key, size, where):
        need(line.startswith(f"\u2014 {name} "), f"{where}: a signature of {name} should stand here")
        data = b64(line[len(name) + 3:], where, size)
        need(data[:4] == keyid(name, kind, key), f"{where}: a signature by another key of {name}")
        return data[4:]

def hashes(lines, where): return [b64(line, where, 32) for line in lines]
def included(index, size, leaf, path):
    """RFC 6962, section 2.1.1: the root that leaf and path give, or None."""
    if size == 1 or not path:
        return leaf if size == 1 and not path else None
    k = 1 << (size - 1).bit_length() - 1
    if index < k:
        left = included(index, k, leaf, path[:-1])
        return left and sha256(b"\1", left, path[-1])
    right = included(index - k, size - k, leaf, path[:-1])
    return right and sha256(b"\1", path[-1], right)

def consistent(old, size, old_root, path, whole=True):
    """RFC 6962, section 2.1.2: the roots of old and of size leaves that the path gives, or None."""
    if old == size:
        known = [] if whole else path[:1]
        return (known or [old_root]) * 2 if known == path else None
    if not path or old == 0:
        return None
    k = 1 << (size - 1).bit_length() - 1
    if old <= k:
        roots = consistent(old, k, old_root, path[:-1], whole)
        return roots and [roots[0], sha256(b"\1", roots[1], path[-1])]
    roots = consistent(old - k, size - k, old_root, path[:-1], False)
    return roots and [sha256(b"\1", path[-1], root) for root in roots]

def delivery(files, folder, author, to, forum):
    name = folder + "proof.tlog-proof"
    head, _, note = files[name].partition(b"\n\n")
    lines = head.decode("latin-1").split("\n")
    need(lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) > 1, f"{name}: not a proof")
    index = re.fullmatch("index (" + NUMBER.pattern + ")", lines[1])
    need(index, f"{name}: no index")
    n = Note(note, author, to, forum, "", name)
    leaf, index = sha256(b"\0", files[folder + "entry.json"]), int(index[1])
    need(index < n.size and included(index, n.size, leaf, hashes(lines[2:], name)) == n.root, f"{name}: it does not prove {folder}entry.json")
    policy = f"log {vkey(n.origin, 1, author.log)}\n"
    names = [f"w{i + 1}" for i in range(len(to))]
    for w, party in zip(names, to):
        policy += f"witness {w} {vkey(party.name + '/mirror', 4, party.mirror)}\n"
    policy += "quorum w1\n" if len(to) == 1 else f"group all-addressees all {' '.join(names)}\nquorum all-addressees\n"
    need(files[folder + "policy.tlog-policy"] == policy.encode(), f"{folder}policy.tlog-policy: not the policy of these cards")
    return leaf.hex(), n

# ---- section 5: statements ----

STATEMENT = ("forum charter from kind status issued nonce thread? re? precedence tlp answer_by? to desk? heard? held? lang body? sealed? "
             "body_sha256? attach? bulk? officer?")

def entry(files, name):
    e = Envelope(files[name], "statement", 65535, name)
    s = e.json
    fields(s, STATEMENT, name)
    need(all(isinstance(s[m], str) and HEX64.fullmatch(s[m]) for m in ("forum", "charter")), f"{name}: not a digest")
    need(isinstance(s["to"], list) and 1 <= len(set(s["to"])) == len(s["to"]) and s["from"] not in s["to"], f"{name}: addressees")
    need("sealed" in s and "body" not in s and b64(s["sealed"], name), f"{name}: not sealed")
    moment(s["issued"], name)
    need(("attach" in s) == ("bulk" in s), f"{name}: attach and bulk go together")
    return e

def bulk(files, statement, author, to, epoch):
    if "bulk/checkpoint" not in files:
        need("bulk/consistency" not in files, "bulk/consistency: without bulk/checkpoint")
        return
    need("bulk" in statement, "bulk/checkpoint: no files are attached")
    old, root = statement["bulk"]["size"], b64(statement["bulk"]["root"], "entry.json", 32)
    n = Note(files["bulk/checkpoint"], author, to, statement["forum"], "/bulk", "bulk/checkpoint")
    need(n.epoch == epoch and n.size >= old, "bulk/checkpoint: of another epoch, or older than the files")
    need(("bulk/consistency" in files) == (n.size > old), "bulk/consistency: missing, or too much")
    if n.size == old:
        need(n.root == root, "bulk/checkpoint: of other files")
        return
    lines = files["bulk/consistency"].decode("latin-1").split("\n")
    need(lines[-1] == "" and len(lines) > 1, "bulk/consistency: cut off")
    first, *path = hashes(lines[:-1], "bulk/consistency")
    need(first == root and consistent(old, n.size, root, path) == [root, n.root], "bulk/consistency: it does not lead from entry.json to bulk/checkpoint")

def acknowledgement(files, statement, ident, cards):
    e = entry(files, "ack/entry.json")
    a = e.json
    need(a["kind"] == "ack" and a.get("re") == [ident], "ack/entry.json: it does not acknowledge entry.json")
    need(a["from"] in statement["to"] and statement["from"] in a["to"] and a["forum"] == statement["forum"], "ack/entry.json: other parties")
    need(e.signed_by(0, cards[a["from"]].statement), "ack/entry.json: the signature does not verify")
    delivery(files, "ack/", cards[a["from"]], [cards[statement["from"]]], a["forum"])

# ---- section 7: the pack ----

NAMES = re.compile(r"(ack/)?(entry\.json|proof\.tlog-proof|policy\.tlog-policy)|cards/.+\.json|charter(\.(0|[1-9][0-9]{0,2}))?\.json|"
                   r"bulk/(checkpoint|consistency)|VERIFY\.md")

def verify(files, given):
    """True when the fingerprints given identify all parties. Raises Bad."""
    for name in files:
        need(NAMES.fullmatch(name), f"{name}: no file of a pack")
    needed = ["entry.json", "proof.tlog-proof", "policy.tlog-policy", "charter.json"]
    ack = [name for name in files if name.startswith("ack/")]
    for name in needed + (["ack/" + name for name in needed[:3]] if ack else []):
        need(name in files, f"{name}: missing")
    cards = {c.name: c for c in (Card(files[name], name) for name in files if name.startswith("cards/"))}
    keys = [key for c in cards.values() for key in c.keys]
    need(len(set(keys)) == len(keys), "cards/: a key stands twice")
    e = entry(files, "entry.json")
    s = e.json
    parties = [s["from"], *s["to"]]
    for party in parties:
        need(party in cards, f"entry.json: cards/{party}.json is missing")
    need(set(cards) == set(parties), "cards/: a card that is not needed for entry.json")
    need(e.signed_by(0, cards[s["from"]].statement), "entry.json: the author's signature does not verify")
    charters(files, cards, s)
    to = [cards[party] for party in s["to"]]
    ident, note = delivery(files, "", cards[s["from"]], to, s["forum"])
    bulk(files, s, cards[s["from"]], to, note.epoch)
    if ack:
        acknowledgement(files, s, ident, cards)
    for party in parties:
        need(all(f == cards[party].fingerprint for p, f in given if p == party), f"cards/{party}.json: not the card of {party} that was given")
    return all(party in {p for p, _ in given} for party in parties)

def read(folder):
    files = {}
    for here, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(here, name)
            with open(path, "rb") as f:
                files[os.path.relpath(path, folder)] = f.read()
    return files

def main(args):
    given = []
    while len(args) > 2 and args[0] == "--fingerprint":
        party, _, digits = args[1].partition("=")
        given.append((party, re.sub("[^0-9a-f]", "", digits.lower())))
        args = args[2:]
    if len(args) != 1 or args[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        identified = verify(read(args[0]), given)
    except (Bad, KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
        print(f"does not hold: {e}")
        return 1
    print("holds" if identified else "consistent, identities not established")
    return 0 if identified else 5

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
