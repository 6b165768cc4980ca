#!/usr/bin/env python3
"""DSSE envelopes by securesystemslib.

usage: dsse.py pae TYPE <payload | sign TYPE SEED... <payload >envelope | verify TYPE PUBLIC... <envelope >payload

Keys are Ed25519, in hex. Exit: 0, 1 refused.
"""
import hashlib
import json
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey


def key(public):
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(public, hashlib.sha256(spki).hexdigest())


def sign(kind, payload, seeds):
    envelope = Envelope(payload, kind, {})
    for seed in seeds:
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        envelope.sign(CryptoSigner(private, key(private.public_key())))
    return json.dumps(envelope.to_dict()).encode()


def verify(kind, data, publics):
    envelope = Envelope.from_dict(json.loads(data))
    keys = [key(Ed25519PublicKey.from_public_bytes(bytes.fromhex(p))) for p in publics]
    envelope.verify(keys, len(keys))
    if envelope.payload_type != kind:
        raise VerificationError("an envelope of another type")
    return envelope.payload


def main(verb, kind, *keys):
    data = sys.stdin.buffer.read()
    try:
        out = {"pae": lambda: Envelope(data, kind, {}).pae(), "sign": lambda: sign(kind, data, keys),
               "verify": lambda: verify(kind, data, keys)}[verb]()
    except (VerificationError, FormatError, ValueError) as e:
        print(f"refused: {e}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
