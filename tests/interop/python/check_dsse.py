#!/usr/bin/env python3
"""Checks the envelopes of an evidence pack (docs/protocol.md, sections 1 to 3 and 5) with securesystemslib.

usage: check_dsse.py [--altered STEP] DIR PARTY=FINGERPRINT...

Exit: 0 every signature of every envelope verifies, 1 not. With --altered: flips one bit of every STEP-th byte of every envelope,
one at a time; 0 when each of them was refused.
"""
import base64
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import SSlibKey


class Bad(Exception):
    """The envelope is refused."""


REFUSALS = (Bad, VerificationError, FormatError, ValueError, KeyError, TypeError, AttributeError)


def load(data, kind):
    parsed = json.loads(data)
    envelope = Envelope.from_dict(parsed)
    again = json.dumps({n: envelope.to_dict()[n] for n in ("payload", "payloadType", "signatures")}, separators=(",", ":"))
    if again.encode() != data or envelope.payload_type != f"application/vnd.parley.{kind}+json":
        raise Bad(f"not the one form of a {kind}")
    return envelope, json.loads(envelope.payload)


def key(public):
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(public, hashlib.sha256(spki).hexdigest())


def of_vkey(vkey):
    return key(Ed25519PublicKey.from_public_bytes(base64.b64decode(vkey.split("+", 2)[2], validate=True)[1:]))


def of_pem(pem):
    return key(serialization.load_pem_public_key(pem.encode()))


def check(files, given):
    """How many signatures verified."""
    count, statement_keys = 0, {}
    for name, data in sorted(files.items()):
        if not name.startswith("cards/"):
            continue
        envelope, card = load(data, "card")
        if hashlib.sha256(envelope.payload).hexdigest() != given.get(card["name"]):
            raise Bad(f"{name}: not the card that was given")
        keys = card["keys"]
        statement_keys[card["name"]] = of_pem(keys["statement"])
        count += len(envelope.verify([of_pem(keys["statement"]), of_vkey(keys["log"]), of_vkey(keys["mirror"])], 3))
    if set(statement_keys) != set(given):
        raise Bad("cards are missing, or too many")
    for name in sorted(n for n in files if n.startswith("charter")):
        envelope, charter = load(files[name], "charter")
        members = [statement_keys[m["name"]] for m in charter["members"]]
        count += len(envelope.verify(members, len(members)))
    for name in ("entry.json", "ack/entry.json"):
        if name in files:
            envelope, statement = load(files[name], "statement")
            count += len(envelope.verify([statement_keys[statement["from"]]], 1))
    return count


def altered(files, given, step):
    count = 0
    for name, data in files.items():
        for at in range(0, len(data), step):
            other = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
            try:
                check({**files, name: other}, given)
            except REFUSALS:
                count += 1
                continue
            raise Bad(f"{name}: byte {at} altered, and nobody noticed")
    return count


def main(args):
    step = None
    if args[0] == "--altered":
        step, args = int(args[1]), args[2:]
    top = pathlib.Path(args[0])
    files = {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*.json")}
    given = dict(a.split("=", 1) for a in args[1:])
    try:
        if step:
            print(altered(files, given, step), "altered envelopes refused")
        else:
            print(check(files, given), "signatures verify")
    except REFUSALS as e:
        print(f"refused: {type(e).__name__}: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
