#!/usr/bin/env python3
"""Says of every vector in tests/vectors/parley/{cards,charters,statements,bodies} what docs/protocol.md says, from which it
is written; it shares no code with parley. The cryptography is that of the Debian package python3-cryptography.

usage: check_vectors.py [--age COMMAND] DIR
       --age   has this program open every sealed body and file, too
"""
import base64
import datetime
import functools
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Bad(Exception):
    """Refused: code and path as in the vectors."""

    def __init__(self, path, code="invalid"):
        super().__init__(code, path)


def need(condition, path, code="invalid"):
    if not condition:
        raise Bad(path, code)


def sha256(data):
    return hashlib.sha256(data).digest()


def b64(text, path, size=None):
    need(isinstance(text, str) and re.fullmatch("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text), path)
    data = base64.b64decode(text)
    need(base64.b64encode(data).decode() == text and size in (None, len(data)), path)
    return data


# ---- section 1 ----

class Pairs(list):
    """An object as its members in their order, double ones too."""


def ijson(data):
    """The object that it is; its members are in their order."""
    def integer(text):
        return int(text) if abs(int(text)) < 2**53 else 0.5

    def walk(value, path, depth):
        need(depth <= 32 or not isinstance(value, (list, Pairs)), path)
        need(not isinstance(value, float), path)
        if isinstance(value, str):
            bad = [c for c in map(ord, value) if not c or 0xD800 <= c < 0xE000 or 0xFDD0 <= c < 0xFDF0 or c & 0xFFFE == 0xFFFE]
            need(not bad, path)
        if isinstance(value, Pairs):
            out = {}
            for name, inner in value:
                here = f"{path}.{name}" if path else name
                need(name not in out, here)
                walk(name, here, depth + 1)
                out[name] = walk(inner, here, depth + 1)
            return out
        return [walk(v, f"{path}[{n}]", depth + 1) for n, v in enumerate(value)] if isinstance(value, list) else value

    try:
        value = json.loads(data.decode(), object_pairs_hook=Pairs, parse_int=integer, parse_float=lambda _: 0.5, parse_constant=lambda _: 0.5)
    except (ValueError, RecursionError):
        raise Bad("") from None
    need(isinstance(value, Pairs), "")
    return walk(value, "", 1)


def text(pattern, most=1 << 30):
    return lambda v, path: need(isinstance(v, str) and len(v.encode()) <= most and re.fullmatch(pattern, v, re.S), path)


def whole(least, most=2**53 - 1):
    return lambda v, path: need(type(v) is int and least <= v <= most, path)


def word(*words):
    return lambda v, path: need(isinstance(v, str) and v in words, path)


def b64_of(size):
    return lambda v, path: b64(v, path, size)


def anything(value, path):
    pass


def obj(value, path):
    need(isinstance(value, dict), path)


def some(least, most, rule):
    def check(value, path):
        need(isinstance(value, list) and least <= len(value) <= most, path)
        for n, inner in enumerate(value):
            rule(inner, f"{path}[{n}]")
    return check


def record(rules):
    """Members in the order of the rules; a name with ? may be absent."""
    names = [name.rstrip("?") for name in rules]

    def check(value, path):
        need(isinstance(value, dict), path)
        dot = path + "." if path else ""
        for name in value:
            need(name in names, dot + name)
        for before, name in zip(value, list(value)[1:]):
            need(names.index(before) < names.index(name), dot + name)
        for name, rule in rules.items():
            bare = name.rstrip("?")
            need(bare in value or name != bare, dot + bare)
            if bare in value:
                rule(value[bare], dot + bare)
    return check


def moment(value, path):
    form = re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z", value if isinstance(value, str) else "")
    try:
        need(datetime.datetime(*map(int, form.groups())).year >= 1970, path)
    except (AttributeError, ValueError):
        raise Bad(path) from None


LABEL = "(?!-)[a-z0-9-]+(?<!-)"
digest, role = text("[0-9a-f]{64}"), text("[^\0-\x1f\x7f-\x9f]+", 48)
party, label, language = text(rf"{LABEL}(\.{LABEL})+", 64), text("[a-z0-9-]+", 32), text("[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]", 8)


class Envelope:
    def __init__(self, data, kind, most, rule):
        need(len(data) <= most, "", "over a limit")
        form = re.fullmatch(rb'\{"payload":"([^"]*)","payloadType":"([!#-\[\]-~]+)","signatures":\[(\{.*\})\]\}', data, re.S)
        need(form, "")
        self.payload, self.type, self.signatures = b64(form[1].decode("latin1"), ""), form[2], []
        for n, line in enumerate(re.split(r"(?<=\}),(?=\{)", form[3].decode("latin1"))):
            one = re.fullmatch(r'\{"keyid":"([0-9a-f]{64})","sig":"([^"]*)"\}', line)
            need(one, f"signatures[{n}]")
            self.signatures.append((one[1], b64(one[2], f"signatures[{n}]", 64)))
        need(len(dict(self.signatures)) == len(self.signatures), "signatures")
        need(self.type == b"application/vnd.parley.%b+json" % kind, "payloadType")
        self.json, self.digest = ijson(self.payload), sha256(self.payload).hex()
        rule(self.json, "")

    def by(self, number, key):
        """Signature number so and so is by this key."""
        where = f"signatures[{number}]"
        need(number < len(self.signatures) and self.signatures[number][0] == key_id(key), where, "does not verify")
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(self.signatures[number][1], pae(self.type, self.payload))
        except InvalidSignature:
            raise Bad(where, "does not verify") from None


def pae(kind, payload):
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


SPKI = bytes.fromhex("302a300506032b6570032100")
P = 2**255 - 19
Y8 = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)  # of the points of order 8
SMALL_ORDER = {0, 1, P - 1, Y8, P - Y8}  # y


def taken_in(key, path):
    need(int.from_bytes(key, "little") % 2**255 % P not in SMALL_ORDER, path)
    return key


def key_id(key):
    return sha256(SPKI + key).hex()


# ---- section 2 ----

def pem(value, path):
    form = re.fullmatch("-----BEGIN PUBLIC KEY-----\n(.{60})\n-----END PUBLIC KEY-----\n", value if isinstance(value, str) else "")
    need(form, path)
    der = b64(form[1], path, 44)
    need(der.startswith(SPKI), path)
    return taken_in(der[12:], path)


def vkey(value, path, kind):
    form = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+(.{44})", value if isinstance(value, str) else "")
    need(form, path)
    key = b64(form[3], path, 33)
    need(key[0] == kind and sha256(form[1].encode() + b"\n" + key)[:4].hex() == form[2], path)
    return form[1], taken_in(key[1:], path)


def bech32(value, path, prefix):
    """BIP 173: the 32 bytes."""
    need(isinstance(value, str) and value.startswith(prefix + "1") and value in (value.lower(), value.upper()), path)
    hrp, five = prefix.lower(), ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".find(c) for c in value[len(prefix) + 1:].lower()]
    need(len(five) == 58 and min(five) >= 0, path)
    check = 1
    for digit in [*(ord(c) >> 5 for c in hrp), 0, *(ord(c) & 31 for c in hrp), *five]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    need(check == 1 and five[51] & 15 == 0, path)
    return (functools.reduce(lambda n, v: n << 5 | v, five[:52]) >> 4).to_bytes(32, "big")


def pin(value, path):
    need(isinstance(value, str) and value.startswith("sha256//"), path)
    return b64(value[8:], path, 32)


def recipient(value, path):
    return bech32(value, path, "age")


url = text(r"https://[!\"$->@-~]*", 512)
CARD = record({
    "name": party, "serial": whole(0), "not_before": moment, "not_after": moment, "submission": url, "monitoring": url,
    "keys": record({"statement": pem, "rotation": pem, "log": text(".*"), "mirror": text(".*"),
                    "seal": some(1, 8, record({"label": label, "recipient": recipient})), "link": some(1, 4, pin)})})


class Card:
    def __init__(self, data, before=None):
        e = Envelope(data, b"card", 32768, CARD)
        self.name, self.serial, self.fingerprint, keys = e.json["name"], e.json["serial"], e.digest, e.json["keys"]
        for member in ("submission", "monitoring"):
            need(len(e.json[member]) > 8 and e.json[member][8] != "/" and not e.json[member].endswith("/"), member)
        self.statement, self.rotation = pem(keys["statement"], ""), pem(keys["rotation"], "")
        (log_name, self.log), (mirror_name, self.mirror) = vkey(keys["log"], "keys.log", 1), vkey(keys["mirror"], "keys.mirror", 4)
        need(log_name == self.name, "keys.log")
        need(mirror_name == self.name + "/mirror", "keys.mirror")
        labels = [s["label"] for s in keys["seal"]]
        for n, one in enumerate(labels):
            need(one not in labels[:n], f"keys.seal[{n}].label")
        need("duty" in labels, "keys.seal")
        self.keys = [("keys.statement", self.statement), ("keys.rotation", self.rotation), ("keys.log", self.log), ("keys.mirror", self.mirror)]
        self.keys += [(f"keys.seal[{n}]", recipient(s["recipient"], "")) for n, s in enumerate(keys["seal"])]
        self.keys += [(f"keys.link[{n}]", pin(p, "")) for n, p in enumerate(keys["link"])]
        for n, (path, key) in enumerate(self.keys):
            need(key not in [k for _, k in self.keys[:n]], path, "conflict")
        need(before is None or before.name == self.name, "name", "conflict")
        need(before is None or before.serial + 1 == self.serial, "serial", "conflict")
        for number, key in enumerate((self.statement, self.log, self.mirror)):
            e.by(number, key)
        need(len(e.signatures) >= (4 if self.serial else 3), "signatures[3]", "does not verify")
        need(len(e.signatures) <= (4 if self.serial else 3), "signatures")
        if before:
            e.by(3, before.rotation)

    def beside(self, other):
        for path, key in self.keys:
            need(key not in [k for _, k in other.keys], path, "conflict")


class Chain:
    """What a party holds of another, from the first card on, which people pinned."""

    def __init__(self, first):
        self.run, self.void = [first], None

    def offer(self, data):
        card = Card(data)
        at = card.serial - self.run[0].serial
        if 0 <= at < len(self.run) and self.run[at].fingerprint == card.fingerprint:
            return
        need(self.void is None or card.serial < self.void, "", "conflict")
        need(0 < at <= len(self.run), "", "conflict")
        Card(data, self.run[at - 1])
        if at < len(self.run):
            self.void = card.serial
            del self.run[at:]
            raise Bad("", "conflict")
        self.run.append(card)


# ---- section 3 ----

def pins(value, path):
    need(isinstance(value, dict) and len(value) <= 64, path)
    for name, inner in value.items():
        need(re.fullmatch(r"[a-z]+(\.[a-z]+)*", name) and len(name) <= 48, path)
        digest(inner, f"{path}.{name}")


CHARTER = record({
    "title": text(".+", 256), "languages": some(1, 8, language), "nonce": b64_of(16), "legal": word("political", "treaty", "exercise"),
    "fields": some(1, 3, word("cyber", "strategic-stability", "regional-conflict")),
    "members": some(1, 193, record({"name": party, "card": digest, "role": word("member", "chair", "observer", "relay", "suspended")})),
    "adoption": word("consensus", "silence", "threshold"), "threshold?": whole(1), "quorum": whole(1),
    "ack_seconds": record({p: whole(60, 2592000) for p in ("FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE")}),
    "heartbeat_seconds": whole(60, 86400), "clock_tolerance_seconds": whole(1, 86400), "attachment_max": whole(0, 2**40),
    "bytes_per_day": whole(0), "bytes_total": whole(0), "disclosure": word("consent", "free"), "retention_days": whole(0, 36500),
    "forms": pins, "procedures": pins, "witnesses": some(0, 16, lambda v, path: vkey(v, path, 4)),
    "closed?": some(1, 193, record({"party": party, "epoch": whole(0), "size": whole(0), "root": b64_of(32)})), "replaces": some(0, 16, digest)})


def charter(data, cards):
    """Whether all have signed."""
    e = Envelope(data, b"charter", 512 * 1024, CHARTER)
    c, names = e.json, [m["name"] for m in e.json["members"]]
    for n, name in enumerate(names[1:], 1):
        need(names[n - 1] < name, f"members[{n}].name")
    for n, tag in enumerate(c["languages"]):
        need(tag not in c["languages"][:n], f"languages[{n}]")
    closed = [(x["party"], x["epoch"]) for x in c.get("closed", [])]
    for n in range(1, len(closed)):
        need(closed[n - 1] < closed[n], f"closed[{n}]")
    need((c["adoption"] == "threshold") == ("threshold" in c) and c.get("threshold", 1) <= len(names), "threshold")
    need(c["quorum"] <= len(names), "quorum")
    held = [cards.get(m["name"]) if cards.get(m["name"]) and cards[m["name"]].fingerprint == m["card"] else None for m in c["members"]]
    for n, witness in enumerate(c["witnesses"]):
        name, key = vkey(witness, "", 4)
        need(name.split("/")[0] not in names and key not in [card.mirror for card in held if card], f"witnesses[{n}]")
    following = iter([card for card in held if card])
    for n, (keyid, _) in enumerate(e.signatures):
        card = next((card for card in following if key_id(card.statement) == keyid), None)
        need(card, f"signatures[{n}]", "does not verify")
        e.by(n, card.statement)
    return len(e.signatures) == len(names)


# ---- section 5 ----

def origin(value, path):
    form = re.fullmatch(r"([^/]*)/[0-9a-f]{64}/(0|[1-9][0-9]*)(/bulk)?", value if isinstance(value, str) else "")
    need(form, path)
    party(form[1], path)


SIZE = whole(0)
STATEMENT = record({
    "forum": digest, "charter": digest, "from": party, "kind": text(r"[a-z]+(\.[a-z]+)*", 48), "status": word("actual", "exercise", "test"),
    "issued": moment, "nonce": b64_of(16), "thread?": digest, "re?": some(1, 16, digest),
    "precedence": word("FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"), "tlp": word("clear", "green", "amber", "amber+strict", "red"),
    "answer_by?": moment, "to": some(0, 192, party), "desk?": label,
    "heard?": some(0, 193, record({"party": party, "epoch": SIZE, "size": SIZE, "root": b64_of(32)})),
    "held?": some(0, 64, record({"origin": origin, "size": SIZE, "root": b64_of(32), "line": text("[^\n]+")})), "lang": language,
    "body?": obj, "sealed?": b64_of(None), "body_sha256?": digest,
    "attach?": some(0, 16, record({"sha256": digest, "size": SIZE, "first": SIZE, "count": SIZE})),
    "bulk?": record({"size": SIZE, "root": b64_of(32)}), "officer?": role})


def base64_of_some(most):
    return lambda v, path: need(0 < len(b64(v, path)) <= most, path)


def part(body, path):
    record({"part": SIZE, "parts": whole(1), "data": base64_of_some(32768)})(body, path)
    need(body["part"] < body["parts"], "body.part")


BODIES = {"forum.charter": part, "forum.held": record({}), "forum.card": record({"cards": some(1, 8, base64_of_some(32768))})}


def statement(data, cards):
    e = Envelope(data, b"statement", 65535, STATEMENT)
    s, opened = e.json, e.json["kind"].startswith("forum.")
    for n, name in enumerate(s["to"]):
        need(name != s["from"], f"to[{n}]")
    need(len(set(s["to"])) == len(s["to"]) and (s["to"] or opened), "to")
    need(not opened or not {"sealed", "body_sha256"} & set(s), "sealed")
    need(opened == ("body" in s), "body")
    need(opened or "sealed" in s, "sealed")
    need(opened or "body_sha256" in s, "body_sha256")
    need(("attach" in s) == ("bulk" in s), "bulk")
    for n, a in enumerate(s.get("attach", [])):
        need(a["count"] == -(-a["size"] // 4096), f"attach[{n}].count")
        need(a["first"] + a["count"] <= s["bulk"]["size"], f"attach[{n}]")
    try:
        BODIES.get(s["kind"], anything)(s.get("body"), "body")
    except Bad as bad:
        raise Bad("body") if s["kind"] == "forum.held" else bad
    need(s["kind"] not in ("forum.charter", "forum.card") or not s["to"], "to")
    if s["kind"] in ANSWERS:
        need(len(s.get("re", [])) == 1, "re")
        need("officer" in s, "officer")
    e.by(0, cards[s["from"]].statement)


REASONS = text(".+", 2000)
ANSWERS = {"ack": record({"note?": text(".*")}), "notice.disclosed": record({"reasons": REASONS}), "reject": record({
    "ground": word("unreadable", "sealing", "form", "language", "files"), "reasons?": REASONS})}
PLAIN = record({"seed": b64_of(32), "body": obj, "files?": some(0, 16, record({
    "name": lambda v, path: need(text("[^/\0-\x1f\x7f-\x9f]+", 255)(v, path) or v not in (".", ".."), path),
    "type": text("[!-.0-:<-~]+/[!-.0-:<-~]+(;[ -~]*)?", 127), "size": SIZE, "sha256": digest}))})


def plaintext(data, kind=None):
    value = ijson(data)
    PLAIN(value, "")
    if kind:
        ANSWERS[kind](value["body"], "body")
    return value


def hkdf(ikm, salt, info, size=32):
    return hmac.digest(hmac.digest(salt or bytes(32), ikm, "sha256"), info + b"\1", "sha256")[:size]


def bare(data):
    return base64.b64encode(data).rstrip(b"=")


def seal(plain, seed, prefix, keys):
    """The age file, and what is expanded from the seed."""
    def value(name, size=32):
        return hkdf(seed, b"", f"parley/v1/{prefix}{name}".encode(), size)

    key, nonce = value("file-key", 16), value("nonce", 16)
    ephemeral, out = [value(f"ephemeral/{n}") for n in range(len(keys))], b"age-encryption.org/v1\n"
    for secret, public in zip(map(X25519PrivateKey.from_private_bytes, ephemeral), keys):
        share = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        wrap = hkdf(secret.exchange(X25519PublicKey.from_public_bytes(public)), share + public, b"age-encryption.org/v1/X25519")
        out += b"-> X25519 %b\n%b\n" % (bare(share), bare(ChaCha20Poly1305(wrap).encrypt(bytes(12), key, None)))
    out += b"---"
    out += b" %b\n" % bare(hmac.digest(hkdf(key, b"", b"header"), out, "sha256")) + nonce
    payload_key = hkdf(key, nonce, b"payload")
    chunks = [plain[n:n + 65536] for n in range(0, len(plain) or 1, 65536)]
    for n, chunk in enumerate(chunks):
        out += ChaCha20Poly1305(payload_key).encrypt(n.to_bytes(11, "big") + bytes([n == len(chunks) - 1]), chunk, None)
    shown = {"file_key": key.hex(), "nonce": nonce.hex(), "ephemeral": [e.hex() for e in ephemeral], "payload_key": payload_key.hex()}
    return out, shown


# ---- the vectors ----

class Vectors:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.file = json.load(f)
        self.cases = {c["name"]: c for c in self.file["cases"]}
        assert len(self.cases) == len(self.file["cases"]), f"{path}: a name stands twice"
        self.type = self.file.get("type")
        self.cards = {name: Card(data.encode()) for name, data in self.file.get("cards", {}).items()}

    @staticmethod
    def changed(old, changes):
        for c in changes:
            assert c["from"] in old, c
            repeated = "".join(c.get("repeat", "").replace("#", f"{n:03}") for n in range(c.get("times", 0)))
            old = old.replace(c["from"], c["to"] + repeated + c.get("then", ""), 1)
        return old

    def payload(self, case):
        if "base" in case:
            return self.changed(self.payload(self.cases[case["base"]]), case.get("change", []))
        return base64.b64decode(json.loads(case["input"])["payload"]).decode() if self.type else case["input"]

    def signers(self, case):
        return case["signers"] if "signers" in case else self.signers(self.cases[case["base"]])

    def input(self, name):
        case = self.cases[name]
        payload, kind = self.payload(case).encode(), case.get("type", self.type)
        out = payload.decode()
        if kind:
            signed = self.payload(self.cases[case["signatures_of"]]).encode() if "signatures_of" in case else payload
            secrets = [Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.file["seeds"][who])) for who in self.signers(case)]
            lines = ['{"keyid":"%s","sig":"%s"}' % (key_id(s.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)), base64.b64encode(
                s.sign(pae(kind.encode(), signed))).decode()) for s in secrets]
            out = '{"payload":"%s","payloadType":"%s","signatures":[%s]}' % (base64.b64encode(payload).decode(), kind, ",".join(lines))
            out = self.changed(out, case.get("respell", []))
        assert out == case.get("input", out) and sha256(out.encode()).hex() == case["sha256"], f"{name}: another input"
        return out.encode()

    def check(self, judge):
        wrong = 0
        for name, case in self.cases.items():
            data, said, more = self.input(name), ("ok", None), None
            try:
                more = judge(self, case, data)
            except Bad as bad:
                said = bad.args
            wanted = ("ok", None) if case["verdict"] == "accept" else (case["code"], case["path"])
            if said != wanted or more is not None and more != case["complete"]:
                wrong += 1
                print(f"{name}: {said} {more}; the vector says {wanted}", file=sys.stderr)
        return wrong


def judge_card(v, case, data):
    card = Card(data, Card(v.input(case["before"])) if "before" in case else None)
    if "beside" in case:
        card.beside(Card(v.input(case["beside"])))


def check_chains(v):
    wrong = 0
    for chain in v.file["chains"]:
        held, said = Chain(Card(v.input(chain["offered"][0]))), ["accept"]
        for name in chain["offered"][1:]:
            try:
                held.offer(v.input(name))
                said.append("accept")
            except Bad:
                said.append("refuse")
        if said != chain["verdicts"] or held.run[-1].fingerprint != Card(v.input(chain["last"])).fingerprint:
            wrong += 1
            print(f"chain {chain['name']}: {said}, in the end serial {held.run[-1].serial}", file=sys.stderr)
    return wrong


def with_age(age, sealed, identity):
    """What age opens it to; None when it does not."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "identity")
        with open(path, "w") as f:
            f.write(identity + "\n")
        done = subprocess.run([age, "-d", "-i", path], input=sealed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout if done.returncode == 0 else None


def check_sealed(file, age):
    wrong = []
    for case in file["cases"]:
        plain, keys = (case["plaintext"] * case["times"]).encode(), [recipient(r["recipient"], "") for r in case["recipients"]]
        sealed, shown = seal(plain, bytes.fromhex(case["seed"]), case["prefix"], keys)
        said = {"hkdf": shown, "size": len(sealed), "sha256": sha256(sealed).hex()}
        said |= {"sealed": base64.b64encode(sealed).decode()} if "sealed" in case else {}
        if case["prefix"] == "body/":
            said["body_sha256"] = sha256(plain).hex()
            assert b64(plaintext(plain)["seed"], "").hex() == case["seed"], case["name"]
        wrong += [f"{case['name']}: {name}" for name in said if said[name] != case[name]]
        for r, key in zip(case["recipients"], keys):
            secret = X25519PrivateKey.from_private_bytes(bech32(r["identity"], "", "AGE-SECRET-KEY-"))
            if secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) != key or age and with_age(age, sealed, r["identity"]) != plain:
                wrong.append(f"{case['name']}: {r['desk']}")
    for case in file["openings"]:
        plain = with_age(age, b64(case["sealed"], ""), case["identity"]) if age else None
        if age and (plain is not None and sha256(plain).hex() == case["body_sha256"]) != (case["verdict"] == "accept"):
            wrong.append(f"{case['name']}: opened or not")
        elif plain is not None and case["verdict"] == "accept":
            keys, seed = [recipient(r["recipient"], "") for r in case["recipients"]], b64(plaintext(plain)["seed"], "")
            if (seal(plain, seed, "body/", keys)[0] == b64(case["sealed"], "")) != case["rebuilds"]:
                wrong.append(f"{case['name']}: rebuilt or not")
    print(*wrong, sep="\n", file=sys.stderr) if wrong else None
    return len(wrong)


def main(args):
    age = args[1] if args[:1] == ["--age"] else None
    folder, wrong, count = args[-1], 0, 0
    judges = {"cards/cards": judge_card, "charters/charters": lambda v, c, data: charter(data, v.cards),
              "statements/statements": lambda v, c, data: statement(data, v.cards),
              "bodies/plaintexts": lambda v, c, data: plaintext(data, c.get("kind")) and None}
    for name, judge in judges.items():
        v = Vectors(f"{folder}/{name}.json")
        wrong += v.check(judge) + (check_chains(v) if "chains" in v.file else 0)
        count += len(v.cases) + len(v.file.get("chains", []))
    with open(f"{folder}/bodies/sealed.json", "rb") as f:
        file = json.load(f)
    wrong += check_sealed(file, age)
    print(f"{count} vectors, {len(file['cases'])} sealed files and {len(file['openings'])} openings, {wrong} told otherwise")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
