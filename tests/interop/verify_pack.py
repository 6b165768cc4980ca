#!/usr/bin/python3
"""Checks evidence packs as docs/protocol.md describes them, written from that alone. Shares no code with parley; the
cryptography is that of the Debian package python3-cryptography. Exit: 0 the pack holds and its parties are who the
fingerprints say, 1 it does not hold, 5 it is consistent but not all parties are identified by the fingerprints."""
import argparse, base64, bisect, contextlib, datetime, functools, hashlib, hmac, itertools, json, os, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
def need(condition, text):
    if not condition: raise ValueError(text)
def at(name, function, *args, **more):  # what it refuses is said of this file
    try:
        return function(*args, **more)
    except (ValueError, LookupError, RecursionError) as e:
        raise ValueError(f"{name}: {e}") from None
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def encode(data): return base64.b64encode(data).decode()
def b64(text, size=None):
    data = base64.b64decode(text, validate=True)
    need(encode(data) == text and size in (None, len(data)), "not the base64 that it should be")
    return data
# ---- section 1: signatures, JSON, envelopes ----
P, SPKI = 2**255 - 19, bytes.fromhex("302a300506032b6570032100")  # SPKI: an Ed25519 key's DER, but for its 32 bytes
Y8 = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)  # of the points of order 8
def small_order(key): return int.from_bytes(key, "little") % 2**255 % P in (0, 1, P - 1, Y8, P - Y8)
@functools.lru_cache(1 << 14)
def genuine(key, message, signature):
    with contextlib.suppress(InvalidSignature, ValueError):
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
def ijson(data):
    def members(pairs):
        need(len(dict(pairs)) == len(pairs), "a member stands twice")
        return dict(pairs)
    def number(text):
        need(re.fullmatch("-?[0-9]{1,16}", text) and abs(int(text)) < 2**53, f"{text} is no integer, or too large")
        return int(text)
    def walk(value, depth):
        need(depth <= 32 or not isinstance(value, (dict, list)), "too deep")
        for c in map(ord, value if isinstance(value, str) else ""):
            need(c and not 0xD800 <= c < 0xE000 and not 0xFDD0 <= c < 0xFDF0 and c & 0xFFFE != 0xFFFE, "bad text")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner, depth + 1)
    out = json.loads(data.decode(), object_pairs_hook=members, **dict.fromkeys(
        ["parse_int", "parse_float", "parse_constant"], number))
    walk(out, 1)
    return out
# Rules for values: functions that say yes or no. A record has the rules of its members, in their order.
def text(pattern, most=1 << 20):
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v, re.S) and len(v.encode()) <= most
def whole(least, most=2**53 - 1): return lambda v: type(v) is int and least <= v <= most
def word(*words): return lambda v: isinstance(v, str) and v in words
def b64_of(size): return lambda v: isinstance(v, str) and b64(v, size)
def some(least, most, rule, once=False):
    return lambda v: (isinstance(v, list) and least <= len(v) <= most and all(map(rule, v)) and
                      not (once and len(set(v)) < len(v)))
def record(rules):
    def rule(value):
        need(isinstance(value, dict), "not an object")
        known = [name.rstrip("?") for name in rules]
        need([name for name in known if name in value] == list(value), "a member in the wrong place, or a strange one")
        for name, inner in zip(known, rules.values()):
            need(inner(value[name]) if name in value else name not in rules, name)
        return True
    return rule
def moment(v):
    return text("[0-9-]{10}T[0-9:]{8}Z")(v) and datetime.datetime.strptime(v, "%Y-%m-%dT%H:%M:%SZ").year >= 1970
NUMBER, LABEL = "(0|[1-9][0-9]{0,18})", "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
PARTY = f"(?=[^/]{{1,64}}(/|\\Z)){LABEL}([.]{LABEL})+"
digest, party, origin = text("[0-9a-f]{64}"), text(PARTY), text(f"{PARTY}/[0-9a-f]{{64}}/{NUMBER}(/bulk)?")
label, role, words = text("[a-z0-9-]+", 32), text(r"[^\0-\x1f\x7f-\x9f]+", 48), text(r"[a-z]+(\.[a-z]+)*", 48)
language = text("[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]", 8)
class Envelope:
    FORM = re.compile(rb'\{"payload":"([^"]*)","payloadType":"([^"]*)","signatures":\[(.+)\]\}')
    SIGNATURE = re.compile(rb'\{"keyid":"([0-9a-f]{64})","sig":"([^"]*)"\}')
    def __init__(self, data, kind, most, rules):
        form = self.FORM.fullmatch(data)
        what = f"application/vnd.parley.{kind}+json".encode()
        need(form and len(data) <= most and form[2] == what, f"not a {kind} in an envelope of the one form")
        payload, found = b64(form[1].decode()), list(self.SIGNATURE.finditer(form[3]))
        self.signatures = [(s[1].decode(), b64(s[2].decode(), 64)) for s in found]
        need(b",".join(s[0] for s in found) == form[3] and len(dict(self.signatures)) == len(found), "its signatures")
        self.pae = b"DSSEv1 %d %b %d %b" % (len(what), what, len(payload), payload)
        self.digest, self.json = sha256(payload).hex(), ijson(payload)
        record(rules)(self.json)
    def signed(self, n, key):
        keyid, signature = self.signatures[n]
        return keyid == sha256(SPKI, key).hex() and genuine(key, self.pae, signature)
# ---- section 2: cards ----
url, free = text('https://(?!/)[!"$->@-~]*(?<!/)', 512), text(".*")
CARD = {
    "name": party, "serial": whole(0), "not_before": moment, "not_after": moment, "submission": url, "monitoring": url,
    "keys": record({
        "statement": free, "rotation": free, "log": free, "mirror": free, "seal": some(1, 8, record({
            "label": label, "recipient": text("age1.*")})), "link": some(1, 4, text("sha256//.*"))})}
class Card:
    def __init__(self, data):
        self.envelope = e = Envelope(data, "card", 32768, CARD)
        keys, self.name, self.serial, self.fingerprint = e.json["keys"], e.json["name"], e.json["serial"], e.digest
        self.statement, self.rotation = pem(keys["statement"]), pem(keys["rotation"])
        self.log, self.mirror = unvkey(keys["log"], 1, self.name), unvkey(keys["mirror"], 4, self.name + "/mirror")
        self.seal = {s["label"]: recipient(s["recipient"]) for s in keys["seal"]}
        need("duty" in self.seal and len(self.seal) == len(keys["seal"]), "seal: no duty, or a label twice")
        need(len(e.signatures) == 3 + (self.serial > 0), "not as many signatures as it should have")
        signing = self.statement, self.log, self.mirror
        need(all(e.signed(n, key) for n, key in enumerate(signing)), "a signature does not verify")
        self.keys = [*signing, self.rotation, *self.seal.values(), *(b64(link[8:], 32) for link in keys["link"])]
        need(len(set(self.keys)) == len(self.keys), "a key stands twice")
def pem(text):
    key = b64(text[27:87], 44)[12:]
    pem = f"-----BEGIN PUBLIC KEY-----\n{encode(SPKI + key)}\n-----END PUBLIC KEY-----\n"
    need(text == pem and not small_order(key), "not a key in PEM, or of small order")
    return key
def key_id(name, kind, key): return sha256(name.encode(), b"\n", bytes([kind]), key)[:4]
def vkey(name, kind, key): return f"{name}+{key_id(name, kind, key).hex()}+{encode(bytes([kind]) + key)}"
def unvkey(text, kind, name):
    key = b64(text.split("+", 2)[-1], 33)[1:]
    need(re.fullmatch(r"\S+", name) and text == vkey(name, kind, key) and not small_order(key), f"no vkey of {name}")
    return key
def recipient(text):
    """The X25519 key of an age recipient (BIP 173)."""
    five, check = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".find(c) for c in text[4:]], 1
    need(len(five) == 58 and min(five) >= 0 and five[51] & 15 == 0, "no age recipient")
    for value in [3, 3, 3, 0, 1, 7, 5, *five]:  # of "age" and the digits after it
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    need(check == 1, "no age recipient")
    return (functools.reduce(lambda n, v: n << 5 | v, five[:52]) >> 4).to_bytes(32, "big")
def all_cards(files):
    """The run of each party, newest first."""
    runs, owner = {}, {}
    for name in (name for name in files if name.startswith("cards/")):
        card = at(name, Card, files[name])
        need(card.serial not in runs.setdefault(card.name, {}), f"{name}: it stands twice")
        runs[card.name][card.serial] = name, card
    for who, run in runs.items():
        for serial, (name, card) in run.items():
            need(name == f"cards/{who}{'' if serial == max(run) else f'.{serial}'}.json", f"{name}: a card of {who}")
            need(serial == min(run) or serial - 1 in run and card.envelope.signed(3, run[serial - 1][1].rotation),
                 f"{name}: not by the rotation key of the card before")
            need(all(owner.setdefault(key, who) == who for key in card.keys), f"{name}: a key of another party")
    return {who: [run[serial][1] for serial in sorted(run, reverse=True)] for who, run in runs.items()}
# ---- section 3: charters ----
PRECEDENCE, ROLES = ("FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"), ("member", "chair", "observer", "relay", "suspended")
def pinned(v): return isinstance(v, dict) and len(v) <= 64 and all(map(digest, v.values())) and all(map(words, v))
CHARTER = {
    "title": text(".+", 256), "languages": some(1, 8, language, True), "nonce": b64_of(16),
    "legal": word("political", "treaty", "exercise"),
    "fields": some(1, 3, word("cyber", "strategic-stability", "regional-conflict"), True),
    "members": some(1, 193, record({"name": party, "card": digest, "role": word(*ROLES)})),
    "adoption": word("consensus", "silence", "threshold"), "threshold?": whole(1, 193), "quorum": whole(1, 193),
    "ack_seconds": record({p: whole(60, 2592000) for p in PRECEDENCE}),
    "heartbeat_seconds": whole(60, 86400), "clock_tolerance_seconds": whole(1, 86400),
    "attachment_max": whole(0, 2**40), "bytes_per_day": whole(0), "bytes_total": whole(0),
    "disclosure": word("consent", "free"), "retention_days": whole(0, 36500), "forms": pinned, "procedures": pinned,
    "witnesses": some(0, 16, text(".*")),
    "closed?": some(1, 193, record({"party": party, "epoch": whole(0), "size": whole(0), "root": b64_of(32)})),
    "replaces": some(0, 16, digest, True)}
def charter(data, runs):
    e = Envelope(data, "charter", 512 * 1024, CHARTER)
    c, names = e.json, [m["name"] for m in e.json["members"]]
    need(names == sorted(set(names)), "members in disorder")
    closed = [(x["party"], x["epoch"]) for x in c.get("closed", [])]
    need(closed == sorted(set(closed)), "closed: in disorder")
    need((c["adoption"] == "threshold") == ("threshold" in c), "threshold without its adoption, or the other way round")
    need(max(c["quorum"], c.get("threshold", 1)) <= len(names), "quorum or threshold: more than there are")
    for name, key in ((w.split("+")[0], unvkey(w, 4, w.split("+")[0])) for w in c["witnesses"]):
        mine = [n for n in names if name == n + "/mirror" or any(key in card.keys for card in runs.get(n, []))]
        need(not mine, f"witness {name} is a member's")
    cards = {m["name"]: next((card for card in runs.get(m["name"], []) if card.fingerprint == m["card"]), None) for m in c["members"]}
    e.names, e.held, e.by, e.others, last = set(names), {n: card for n, card in cards.items() if card}, set(), 0, ""
    for number, (keyid, _) in enumerate(e.signatures):
        who = next((n for n, card in e.held.items() if keyid == sha256(SPKI, card.statement).hex()), None)
        need(not who or who > last and e.signed(number, e.held[who].statement), f"signature {number}")
        e.others, last = e.others + (not who), who or last
        e.by.add(who)
    need(e.others <= len(e.names - set(e.held)), "signed by nobody that it names")
    return e
def reaches(v, who, least):
    """As far as the pack can tell: those whose cards are not there may have made the signatures that are no others'."""
    return len(v.by & who) + min(v.others, len(who - set(v.held))) >= least
def complete(v, replaced):
    """Section 3, new versions."""
    admitted = v.names.difference(*(p.names for p in replaced))
    need(reaches(v, admitted, len(admitted)), "not complete: who joins has not signed")
    for p in replaced:
        voters = {m["name"] for m in p.json["members"] if m["role"] in ("member", "chair")}
        stay = voters & v.names
        need(stay and 2 * len(stay) >= len(voters), "not complete: too few stay")
        need(reaches(v, stay, min(p.json.get("threshold", len(stay)), len(stay))), "not complete: too few have signed")
def charters(files, runs, s):
    names = [f"charter.{k}.json" for k in range(sum(f.startswith("charter.") for f in files) - 1)] + ["charter.json"]
    need(set(names) <= set(files), "charter.0.json: missing, or one after it")
    versions = [at(name, charter, files[name], runs) for name in names]
    need([versions[0].digest, versions[-1].digest] == [s["forum"], s["charter"]], "charter.json: not that of the entry")
    for n, (name, v, old) in enumerate(zip(names, versions, (set(v.json["replaces"]) for v in versions))):
        earlier = {x.digest for x in versions[:n]}
        need(v is versions[-1] or any(v.digest in x.json["replaces"] for x in versions), f"{name}: replaced by none")
        need(bool(old & earlier) == bool(n) == bool(old) and v.digest not in earlier, f"{name}: replaces the wrong ones")
        at(name, complete, v, [x for x in versions[:n] if x.digest in old])
    need(len(versions[-1].names) != 2 or len(versions[-1].held) == 2, "charter.json: a card of the two is not there")
    named = {m["name"]: m["card"] for m in versions[-1].json["members"]}
    for who, run in runs.items():
        need(who not in named or named[who] in [card.fingerprint for card in run], f"charter.json: other card of {who}")
# ---- sections 4 and 7: notes, proofs, policies ----
class Note:
    """A checkpoint of the author's log with exactly the log's signature and those of `to`; its policy."""
    def __init__(self, data, author, to, forum, suffix=""):
        origin = f"({re.escape(author[0].name)}/{forum}/{NUMBER}{suffix})"
        form = re.fullmatch(f"{origin}\n{NUMBER}\n(.{{44}})\n\n(.*)\n", data.decode(), re.S)
        need(form and int(form[3]) < 2**63, "not a checkpoint of this log")
        self.epoch, self.size, self.root, self.body = form[2], int(form[3]), b64(form[4], 32), data[:form.end(4) + 1]
        names, lines = [f"w{n + 1}" for n in range(len(to))], form[5].split("\n")
        need(len(lines) == len(to) + 1, "not as many signatures as parties")
        self.policy = f"log {self.signature(lines[0], form[1], 1, [c.log for c in author])}\n"
        for name, run, line in zip(names, to, lines[1:]):
            key = self.signature(line, run[0].name + "/mirror", 4, [c.mirror for c in run])
            self.policy += f"witness {name} {key}\n"
        group = "all-addressees" if len(to) > 1 else "w1"
        self.policy += f"group {group} all {' '.join(names)}\n" * (len(to) > 1) + f"quorum {group}\n"
    def signature(self, line, name, kind, keys):
        need(line.startswith(f"\u2014 {name} "), f"a signature of {name} should stand here")
        data = b64(line[len(name) + 3:], 68 if kind == 1 else 76)
        key = next((k for k in keys if key_id(name, kind, k) == data[:4]), None)
        seconds = int.from_bytes(data[4:12], "big") if kind == 4 else 0
        message = b"cosignature/v1\ntime %d\n%b" % (seconds, self.body) if kind == 4 else self.body
        need(key and seconds < 2**63 and genuine(key, message, data[-64:]), f"signature of {name} does not verify")
        return vkey(name, kind, key)
def hashes(data):
    need(data[-1:] in (b"", b"\n"), "cut off")
    return [b64(line, 32) for line in data.decode().split("\n")[:-1]]
def node(left, right): return sha256(b"\1", left, right)
def split(size): return 1 << max(size - 1, 1).bit_length() - 1
def included(index, size, leaf, path):
    """RFC 6962, section 2.1.1: the root that leaf and path give."""
    need(bool(path) == (size > 1), "an inclusion proof of another length")
    half = split(size)
    if size > 1 and index < half: return node(included(index, half, leaf, path[:-1]), path[-1])
    return node(path[-1], included(index - half, size - half, leaf, path[:-1])) if path else leaf
def consistent(old, size, old_root, path, whole=True):
    """RFC 6962, section 2.1.2: the roots of the first old and of all size leaves that the path gives."""
    need(old and (len(path) == (not whole) if old == size else path), "a consistency proof of another length")
    half = split(size)
    if old == size: return (path or [old_root]) * 2
    if old > half: return [node(path[-1], r) for r in consistent(old - half, size - half, old_root, path[:-1], False)]
    first, both = consistent(old, half, old_root, path[:-1], whole)
    return [first, node(both, path[-1])]
def proved(files, proof, author, to, forum):
    (head, _, note), folder = files[proof].partition(b"\n\n"), proof[:proof.find("/") + 1]
    form = re.fullmatch(f"c2sp\\.org/tlog-proof@v1\nindex {NUMBER}\n(.*)", head.decode() + "\n", re.S)
    n, leaf = Note(note, author, to, forum), sha256(b"\0", files[folder + "entry.json"])
    need(form and int(form[1]) < n.size, "not a proof, or of an entry after the last")
    root = included(int(form[1]), n.size, leaf, hashes(form[2].encode()))
    need(root == n.root, f"it does not prove {folder}entry.json")
    need(files.get(proof.replace("proof", "policy")) == n.policy.encode(), "its policy is missing, or of other cards")
    return leaf.hex(), n.epoch, form[1]
def covers(note, to):
    """Those in `to` whose cosignatures stand in the note."""
    who = [w for w in to if f"\n\u2014 {w}/mirror " in note.decode()]
    need(0 < len(who) < 16, "not of 1 to 15 addressees")
    return who
def numbered(files, stem, tail, to, check):
    """Each file that is numbered, checked for those whom it covers: the names, who they are, what the checks gave."""
    names, left, firsts, out = [], list(to), [], []
    for name in itertools.takewhile(files.__contains__, [stem + f".{k}" * (k > 0) + tail for k in range(192)]):
        who = at(name, covers, files[name], left)
        out.append(at(name, check, name, who))
        names, firsts, left = [*names, name], [*firsts, to.index(who[0])], [w for w in left if w not in who]
    need(firsts == sorted(firsts), f"{names}: not in the order of those whom they cover")
    return names, [w for w in to if w not in left], out
# ---- section 5: statements and sealing ----
STATEMENT = {
    "forum": digest, "charter": digest, "from": party, "kind": words, "status": word("actual", "exercise", "test"),
    "issued": moment, "nonce": b64_of(16), "thread?": digest, "re?": some(1, 16, digest, True),
    "precedence": word(*PRECEDENCE), "tlp": word("clear", "green", "amber", "amber+strict", "red"),
    "answer_by?": moment, "to": some(0, 192, party, True), "desk?": label,
    "heard?": some(0, 193, record({"party": party, "epoch": whole(0), "size": whole(0), "root": b64_of(32)})),
    "held?": some(0, 64, record({"origin": origin, "size": whole(0), "root": b64_of(32), "line": text("\u2014 .+")})),
    "lang": language, "body?": lambda v: isinstance(v, dict), "sealed?": b64_of(None), "body_sha256?": digest,
    "attach?": some(0, 16, record({"sha256": digest, "size": whole(1), "first": whole(0), "count": whole(1)})),
    "bulk?": record({"size": whole(1), "root": b64_of(32)}), "officer?": role}
def statement(data, runs):
    e = Envelope(data, "statement", 65535, STATEMENT)
    s, has = e.json, lambda *names: [name in e.json for name in names]
    need(s["to"] and s["from"] not in s["to"], "to")
    need({s["from"], *s["to"]} <= set(runs), "a card of author or addressee is missing")
    need(any(e.signed(0, card.statement) for card in runs[s["from"]]), "the author's signature does not verify")
    clear = s["kind"].startswith("forum.")
    need(has("body", "sealed", "body_sha256") == [clear, not clear, not clear], "body or sealed")
    need(has("attach") == has("bulk"), "attach and bulk go together")
    need(all(a["count"] == -(-a["size"] // 4096) <= s["bulk"]["size"] - a["first"] for a in s.get("attach", [])),
         "attach")
    need(s["kind"] not in ("ack", "reject", "notice.disclosed") or
         len(s.get("re", [])) == len(s["to"]) == 1 and "officer" in s, s["kind"])
    return s
PLAIN = {"seed": b64_of(32), "body": lambda v: isinstance(v, dict), "files?": some(1, 16, record({
    "name": text("(?![.]{1,2}\\Z)[^/\0-\x1f\x7f-\x9f]+", 255), "type": text("[!-.0-:<-~]+/[!-.0-:<-~]+(;[ -~]*)?", 127),
    "size": whole(0), "sha256": digest}))}
REJECTION = {"ground": word("unreadable", "sealing", "form", "language", "files"), "reasons?": text(".+", 2000)}
def hkdf(ikm, salt, info, size=32):
    return hmac.digest(hmac.digest(salt or bytes(32), ikm, "sha256"), info + b"\1", "sha256")[:size]
@functools.lru_cache(256)
def seal(plain, seed, prefix, choices, like):
    """The age file, to one key of each choice: the one whose stanza stands in `like` at its place."""
    def value(name, size=32): return hkdf(seed, b"", b"parley/v1/" + prefix + name, size)
    def bare(data): return base64.b64encode(data).rstrip(b"=")
    key, nonce, out = value(b"file-key", 16), value(b"nonce", 16), b"age-encryption.org/v1\n"
    for number, keys in enumerate(choices):
        secret, stanzas = x25519.X25519PrivateKey.from_private_bytes(value(b"ephemeral/%d" % number)), []
        share = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        for k in keys:
            with contextlib.suppress(ValueError):  # of a key of small order
                shared = secret.exchange(x25519.X25519PublicKey.from_public_bytes(k))
                wrap = ChaCha20Poly1305(hkdf(shared, share + k, b"age-encryption.org/v1/X25519"))
                stanzas.append(b"-> X25519 %b\n%b\n" % (bare(share), bare(wrap.encrypt(bytes(12), key, b""))))
        need(stanzas, "a recipient has no such key")
        out += next((s for s in stanzas if like.startswith(s, len(out))), stanzas[0])
    out += b"---"
    out += b" " + bare(hmac.digest(hkdf(key, b"", b"header"), out, "sha256")) + b"\n" + nonce
    stream, starts = ChaCha20Poly1305(hkdf(key, nonce, b"payload")), range(0, max(len(plain), 1), 65536)
    nonces = ((i >> 16).to_bytes(11, "big") + bytes([i == starts[-1]]) for i in starts)
    return out + b"".join(stream.encrypt(nonce, plain[i:i + 65536], b"") for nonce, i in zip(nonces, starts))
# ---- sections 7 and 8: the pack ----
def opened(data, s, runs):
    """Section 8, 1 and 2: the plaintext, and how its files are sealed."""
    plain = ijson(data)
    record(PLAIN)(plain)
    need(sha256(data).hex() == s["body_sha256"], "not the text that was signed")
    need(len(plain.get("files", [])) == len(s.get("attach", [])), "not as many files as are attached")
    desks, like = [(who, s.get("desk", "duty")) for who in s["to"]] + [(s["from"], "duty")], b64(s["sealed"])
    choices = tuple(tuple(card.seal[desk] for card in runs[who] if desk in card.seal) for who, desk in desks)
    sealed = functools.partial(seal, seed=b64(plain["seed"]), choices=choices)
    need(sealed(data, prefix=b"body/", like=like) == like, "sealed to others, or with another seed")
    return plain, sealed
def disclosed(files, s, runs):
    """Section 8, 1 to 4. The names of the files that belong to body.json."""
    plain, sealed = at("body.json", opened, files["body.json"], s, runs)
    leaves, names = {}, {"body.json"}
    for number, (file, attach) in enumerate(zip(plain.get("files", []), s.get("attach", []))):
        ext = re.search(r"(?<=.)\.[A-Za-z0-9]{1,8}\Z", file["name"], re.S)
        clear, age = f"files/{number}{ext[0] if ext and ext[0].lower() != '.age' else ''}", f"files/{number}.age"
        if not {clear, age} & files.keys(): continue
        need(clear in files and age in files, f"{clear}: not there both in clear and sealed")
        data, like, names = files[clear], files[age], names | {clear, age, "bulk/range"}
        need((len(data), sha256(data).hex()) == (file["size"], file["sha256"]), f"{clear}: not the one in body.json")
        need((len(like), sha256(like).hex()) == (attach["size"], attach["sha256"]), f"{age}: not the one attached")
        need(sealed(data, prefix=b"file/%d/" % number, like=like) == like, f"{age}: not what {clear} gives")
        pieces = {attach["first"] + n: sha256(b"\0", like[n * 4096:n * 4096 + 4096]) for n in range(attach["count"])}
        need(not pieces.keys() & leaves.keys(), f"{age}: it shares a leaf with another file")
        leaves.update(pieces)
    if leaves:
        need("bulk/range" in files, "bulk/range: missing")
        rest, where = at("bulk/range", hashes, files["bulk/range"]), sorted(leaves)
        def root(first, size):
            if bisect.bisect_left(where, first) == bisect.bisect_left(where, first + size): return rest.pop(0)
            half = split(size)
            return node(root(first, half), root(first + half, size - half)) if size > 1 else leaves[first]
        whole = at("bulk/range", root, 0, s["bulk"]["size"])
        need(whole == b64(s["bulk"]["root"]) and not rest, "bulk/range: not what leads to bulk.root")
    return names
def bulk(files, s, runs, epoch, name, who):
    old, root = s["bulk"]["size"], b64(s["bulk"]["root"])
    n = Note(files[name], runs[s["from"]], [runs[w] for w in who], s["forum"], "/bulk")
    need(n.epoch == epoch and n.size >= old, "of another epoch, or older than the files")
    names = {name.replace("checkpoint", "consistency")} if n.size > old else set()
    first, *path = hashes(files[min(names)]) if names else [root]
    need(first == root and consistent(old, n.size, root, path) == [root, n.root], "not of the files of entry.json")
    return names
def answer(files, kind, ident, covered, s, runs):
    a = at(kind + "/entry.json", statement, files[kind + "/entry.json"], runs)
    fits = a["kind"] == kind and a["re"] == [ident] and a["forum"] == s["forum"] and a["to"] == [s["from"]]
    need(fits and a["from"] in covered, f"{kind}/entry.json: not about entry.json, or between others")
    need(not re.fullmatch(kind + "|ack|forum\\..*", s["kind"]), f"{kind}/entry.json: none answers a {s['kind']}")
    at(name := kind + "/proof.tlog-proof", proved, files, name, runs[a["from"]], [runs[s["from"]]], a["forum"])
    if kind == "reject" and "reject/body.json" in files:
        plain, _ = at("reject/body.json", opened, files["reject/body.json"], a, runs)
        at("reject/body.json", record(REJECTION), plain["body"])
    return {"reject/body.json"} if kind == "reject" else set()
def verify(files, given):
    """True when the fingerprints given, pairs of party and digest, identify all parties. Raises ValueError."""
    parts = ["entry.json", "proof.tlog-proof", "policy.tlog-policy"]
    answers = [kind for kind in ("ack", "reject") if any(f"{kind}/{part}" in files for part in parts)]
    known = {*parts, "charter.json", *(f"{kind}/{part}" for kind in answers for part in parts)}
    need(known <= set(files), f"{min(known - set(files), default='')}: missing")
    small = sum(len(files[name]) for name in files if not name.startswith("files/"))
    need(len(files) <= 512 and small <= 32 << 20, "more than 512 files, or than 32 MiB")
    runs = all_cards(files)
    s = at("entry.json", statement, files["entry.json"], runs)
    need(set(runs) == {s["from"], *s["to"]}, "cards/: a card of another party")
    charters(files, runs, s)
    names, covered, places = numbered(files, "proof", ".tlog-proof", s["to"], lambda name, who: proved(
        files, name, runs[s["from"]], [runs[w] for w in who], s["forum"]))
    (ident, epoch, _), *others = set(places)
    need(not others, "the proofs are of entries at several places")
    known = known.union(*(answer(files, kind, ident, covered, s, runs) for kind in answers))
    bulks, _, more = numbered(files, "bulk/checkpoint", "", covered, functools.partial(bulk, files, s, runs, epoch))
    known |= {*names, *(name.replace("proof", "policy") for name in names), *bulks}.union(*more)
    known |= disclosed(files, s, runs) if "body.json" in files else set()
    for name in files:
        need(name in known or name == "VERIFY.md" or name.startswith(("cards/", "charter.")), f"{name}: strange here")
    for who, run in runs.items():
        need(who not in [w for w, _ in given] or any((who, card.fingerprint) in given for card in run),
             f"cards/{who}.json: not of the {who} that was given")
    return all((who, runs[who][-1].fingerprint) in given for who in [s["from"], *covered])
def read(folder):
    paths = (os.path.join(here, name) for here, _, names in os.walk(folder) for name in names)
    return {os.path.relpath(path, folder): open(path, "rb").read() for path in paths}
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fingerprint", action="append", default=[], metavar="PARTY=HEX")
    parser.add_argument("dir")
    args = parser.parse_args()
    try:
        sys.exit(0 if verify(read(args.dir), [tuple(given.split("=", 1)) for given in args.fingerprint]) else 5)
    except ValueError as e:
        sys.exit(f"does not hold: {e}")
