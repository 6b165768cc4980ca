"""The C2SP formats and RFC 6962 trees as far as make.py needs them, written from the specifications alone."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DASH = "\u2014 "


def b64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- keys and notes (signed-note, tlog-cosignature) ----


class Key:
    """A note key: type 1 signs the text, type 4 cosigns it with a time."""

    def __init__(self, word, name=None, kind=1):
        self.private = Ed25519PrivateKey.from_private_bytes(sha256(b"parley vectors " + word.encode()))
        public = self.private.public_key()
        self.public = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.name, self.kind = name or word, kind
        self.id = sha256(self.name.encode() + b"\n" + bytes([kind]) + self.public)[:4]
        self.vkey = "%s+%s+%s" % (self.name, self.id.hex(), b64(bytes([kind]) + self.public))

    def raw(self, text, time=0):
        if self.kind == 1:
            return self.private.sign(text.encode())
        message = "cosignature/v1\ntime %d\n%s" % (time, text)
        return time.to_bytes(8, "big") + self.private.sign(message.encode())

    def line(self, text, time=0):
        return signature_line(self.name, self.id, self.raw(text, time))


def signature_line(name, key_id, raw):
    return DASH + name + " " + b64(key_id + raw) + "\n"


# ---- trees (RFC 6962 section 2.1; subtrees: draft-ietf-plants-merkle-tree-certs) ----


def leaf(entry):
    return sha256(b"\0" + entry)


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = split(len(leaves))
    return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:]))


def inclusion(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [root(leaves[:k])]


def subtree(start, end, leaves, known=True):
    n = len(leaves)
    if (start, end) == (0, n):
        return [] if known else [root(leaves)]
    k = split(n)
    if end <= k:
        return subtree(start, end, leaves[:k], known) + [root(leaves[k:])]
    if k <= start:
        return subtree(start - k, end - k, leaves[k:], known) + [root(leaves[:k])]
    return subtree(0, end - k, leaves[k:], False) + [root(leaves[:k])]


def valid_subtree(start, end):
    width = 1
    while width < end - start:
        width *= 2
    return start < end and start % width == 0


# ---- envelopes (DSSE) ----


def pae(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
