"""Evidence packs signed anew: takes a pack apart into values, puts keys of its own in the place of those of the cards,
and writes the pack again, every digest, root and signature recomputed. What is altered in between is altered by the parties
themselves, so that no signature tells, only the rules of docs/protocol.md do.
"""

import base64
import functools
import json
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import verify_pack as v


@functools.lru_cache(None)
def key_for(public):
    """A private key that stands for this public one."""
    return Ed25519PrivateKey.from_private_bytes(v.sha256(b"forged", public))


def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def encode(data):
    return base64.b64encode(data).decode()


def text_of(value):
    """JSON on one line; bytes stand for a text that is already written."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class Document:
    """A payload with those who sign it."""

    def __init__(self, data, kind):
        outer = json.loads(data)
        payload = base64.b64decode(outer["payload"])
        self.kind, self.value, self.old = kind, json.loads(payload), v.sha256(payload).hex()
        self.signatures = [(s["keyid"], s["sig"]) for s in outer["signatures"]]
        self.signers = [None] * len(self.signatures)  # private keys; None: the signature stays

    def write(self):
        payload = text_of(self.value)
        self.new = v.sha256(payload).hex()
        what = f"application/vnd.parley.{self.kind}+json"
        pae = b"DSSEv1 %d %b %d %b" % (len(what), what.encode(), len(payload), payload)
        signatures = [
            f'{{"keyid":"{keyid}","sig":"{sig}"}}'
            for keyid, sig in (
                (v.sha256(v.SPKI, raw(key)).hex(), encode(key.sign(pae))) if key else old
                for key, old in zip(self.signers, self.signatures)
            )
        ]
        return (
            f'{{"payload":"{encode(payload)}","payloadType":"{what}","signatures":[{",".join(signatures)}]}}'.encode()
        )


def pem_of(key):
    return f"-----BEGIN PUBLIC KEY-----\n{encode(v.SPKI + raw(key))}\n-----END PUBLIC KEY-----\n"


class Card(Document):
    def __init__(self, data):
        super().__init__(data, "card")
        keys, name = self.value["keys"], self.value["name"]
        self.card = v.Card(data)
        self.statement, self.rotation = key_for(self.card.statement), key_for(self.card.rotation)
        self.log, self.mirror = key_for(self.card.log), key_for(self.card.mirror)
        keys["statement"], keys["rotation"] = pem_of(self.statement), pem_of(self.rotation)
        keys["log"], keys["mirror"] = v.vkey(name, 1, raw(self.log)), v.vkey(name + "/mirror", 4, raw(self.mirror))
        self.signers[:3] = self.statement, self.log, self.mirror


class Note:
    """A checkpoint; its signatures as (card, time), in order."""

    def __init__(self, data, author, to):
        head, _, lines = data.decode().partition("\n\n")
        self.origin, size, _ = head.split("\n")
        self.size, self.root = int(size), None
        self.signatures = []
        for number, line in enumerate(lines.splitlines()):
            _, name, sig = line.split(" ")
            sig = base64.b64decode(sig)
            run = author if number == 0 else next(r for r in to if r[0].card.name + "/mirror" == name)
            kind = 1 if number == 0 else 4
            key = lambda c: c.card.log if kind == 1 else c.card.mirror
            card = next(c for c in run if v.key_id(name, kind, key(c)) == sig[:4])
            self.signatures.append((card, int.from_bytes(sig[4:12], "big") if kind == 4 else None))

    def line(self, card, time, body):
        if time is None:
            name, data = self.origin, v.key_id(self.origin, 1, raw(card.log)) + card.log.sign(body)
        else:
            name, message = card.card.name + "/mirror", b"cosignature/v1\ntime %d\n%b" % (time, body)
            data = v.key_id(name, 4, raw(card.mirror)) + time.to_bytes(8, "big") + card.mirror.sign(message)
        return f"\u2014 {name} {encode(data)}\n"

    def write(self):
        body = f"{self.origin}\n{self.size}\n{encode(self.root)}\n".encode()
        return body + b"\n" + "".join(self.line(card, time, body) for card, time in self.signatures).encode()

    def policy(self):
        (log, _), *rest = self.signatures
        out = f"log {v.vkey(self.origin, 1, raw(log.log))}\n"
        names = [f"w{number + 1}" for number in range(len(rest))]
        for name, (card, _) in zip(names, rest):
            out += f"witness {name} {v.vkey(card.card.name + '/mirror', 4, raw(card.mirror))}\n"
        many = f"group all-addressees all {' '.join(names)}\nquorum all-addressees\n"
        return (out + ("quorum w1\n" if len(names) == 1 else many)).encode()


class Delivery:
    """entry.json, proof.tlog-proof and policy.tlog-policy of one folder, and the plaintext when it is disclosed."""

    def __init__(self, files, folder, runs):
        self.folder, self.entry = folder, Document(files[folder + "entry.json"], "statement")
        self.author, self.to = runs[self.entry.value["from"]], [runs[who] for who in self.entry.value["to"]]
        self.index, self.path, self.note = self.proof(files[folder + "proof.tlog-proof"])
        numbers = (n for n in range(1, 192) if not folder and f"proof.{n}.tlog-proof" in files)
        self.further = {n: self.proof(files[f"proof.{n}.tlog-proof"]) for n in numbers}
        by = next(c for c in self.author if v.sha256(v.SPKI, c.card.statement).hex() == self.entry.signatures[0][0])
        self.entry.signers[0] = by.statement
        plain = {"": "body.json", "reject/": "reject/body.json"}.get(folder)
        self.plain = json.loads(files[plain]) if plain in files else None
        self.plain_name = plain


    def proof(self, data):
        head, _, note = data.partition(b"\n\n")
        index, *path = head.decode().split("\n")[1:]
        return int(index.split()[1]), [base64.b64decode(h) for h in path], Note(note, self.author, self.to)


class Pack:
    def __init__(self, files):
        self.files = dict(files)
        self.cards = {name: Card(data) for name, data in files.items() if name.startswith("cards/")}
        self.runs = {}
        for card in sorted(self.cards.values(), key=lambda c: -c.card.serial):
            self.runs.setdefault(card.card.name, []).append(card)
        for run in self.runs.values():
            for newer, older in zip(run, run[1:]):
                newer.signers[3] = older.rotation
        names = sorted(n for n in files if n.startswith("charter.") and n != "charter.json") + ["charter.json"]
        self.charters = {name: Document(files[name], "charter") for name in names}
        for document in self.charters.values():
            for number, member in enumerate(document.value["members"]):
                card = next(
                    (c for c in self.runs.get(member["name"], []) if c.card.fingerprint == member["card"]), None
                )
                document.signers[number] = card and card.statement
        self.deliveries = [
            Delivery(files, f, self.runs) for f in ("", "ack/", "reject/") if f + "entry.json" in files
        ]
        main = self.deliveries[0]
        self.bulk = Note(files["bulk/checkpoint"], main.author, main.to) if "bulk/checkpoint" in files else None
        more = [name for name in files if name.startswith("bulk/checkpoint.")]
        self.more_bulk = {name: Note(files[name], main.author, main.to) for name in more}
        if "attach" not in main.entry.value:
            self.bulk_root = None
        else:
            self.bulk_root = base64.b64decode(main.entry.value["bulk"]["root"])

    def documents(self):
        return [*self.cards.values(), *self.charters.values(), *(d.entry for d in self.deliveries)]

    def write(self):
        """The files, and the fingerprints of the first card of each run."""
        out, new = dict(self.files), {}

        def renew(value):
            if isinstance(value, str) and value in new:
                return new[value]
            if isinstance(value, list):
                return [renew(x) for x in value]
            if isinstance(value, dict):
                return {k: renew(x) for k, x in value.items()}
            if isinstance(value, bytes):
                return re.sub(rb"[0-9a-f]{64}", lambda m: new.get(m[0].decode(), m[0].decode()).encode(), value)
            return value

        for name, card in self.cards.items():
            out[name] = card.write()
            new[card.old] = card.new
        for name, document in self.charters.items():
            document.value = renew(document.value)
            out[name] = document.write()
            new[document.old] = document.new
        for d in self.deliveries:
            self.seal(d, out)
            d.entry.value = renew(d.entry.value)
            old = v.sha256(b"\0", self.files[d.folder + "entry.json"]).hex()
            entry = out[d.folder + "entry.json"] = d.entry.write()
            new[old] = v.sha256(b"\0", entry).hex()
            leaf = v.sha256(b"\0", entry)
            for n, (index, path, note) in {"": (d.index, d.path, d.note), **d.further}.items():
                self.prove(d, note, new, lambda: v.included(index, note.size, leaf, path))
                head = f"c2sp.org/tlog-proof@v1\nindex {index}\n" + "".join(encode(h) + "\n" for h in path)
                number = f".{n}" if n else ""
                out[f"{d.folder}proof{number}.tlog-proof"] = head.encode() + b"\n" + note.write()
                out[f"{d.folder}policy{number}.tlog-policy"] = note.policy()
        for name, note in {"bulk/checkpoint": self.bulk, **self.more_bulk}.items():
            if note:
                self.prove(self.deliveries[0], note, new, lambda: self.bulk_head(out, name))
                out[name] = note.write()
        firsts = {
            who: next((c for c in reversed(run) if c in self.cards.values()), None) for who, run in self.runs.items()
        }
        return out, [(who, card.new) for who, card in firsts.items() if card]

    def prove(self, d, note, new, root):
        """The root that the proof gives; where the alteration left it none, any."""
        note.origin = "/".join(new.get(part, part) for part in note.origin.split("/"))
        try:
            note.root = root()
        except (ValueError, LookupError, TypeError, RecursionError):
            note.root = bytes(32)

    def bulk_head(self, out, name):
        note, grown = self.more_bulk.get(name, self.bulk), name.replace("checkpoint", "consistency")
        if grown not in out:
            return self.bulk_root
        first, *path = v.hashes(out[grown])
        old = self.deliveries[0].entry.value["bulk"]["size"]
        return v.consistent(old, note.size, first, path)[1]

    def seal(self, d, out):
        """Seals what is disclosed again; what comes out as it was stays as it was."""
        if d.plain is None or not isinstance(d.entry.value, dict):
            return
        s, plain = d.entry.value, text_of(d.plain)
        out[d.plain_name] = plain
        try:
            seed = base64.b64decode(json.loads(plain)["seed"])
            desks = [(who, s.get("desk", "duty")) for who in s["to"]] + [(s["from"], "duty")]
            choices = tuple(
                tuple(c.card.seal[desk] for c in self.runs[who] if desk in c.card.seal) for who, desk in desks
            )
            s["sealed"] = encode(v.seal(plain, seed, b"body/", choices, base64.b64decode(s["sealed"])))
            s["body_sha256"] = v.sha256(plain).hex()
        except (ValueError, KeyError, TypeError):
            return
