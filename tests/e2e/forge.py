#!/usr/bin/env python3
"""Makes the documents that an honest node never makes. Signs with the openssl command.

usage: forge.py card HOME OUT [MEMBER=VALUE | keys.KEY@OTHER]...
           HOME's card with other values, or with a key of the home OTHER, signed again by all its keys; prints the fingerprint.
           keys.KEY@.: with its own statement key in the place of that key
       forge.py payload IN OUT OLD NEW
           the envelope IN with OLD in its payload replaced by NEW, under the old signatures
       forge.py body OUT WHAT
           a body of parley send that is no I-JSON: duplicate, float, utf8, depth; or
           one of about 35 KB, of which BYTES (at most 2000) are the summary: long:BYTES
"""
import base64
import hashlib
import json
import subprocess
import sys
import tempfile

SIGNERS = ("statement", "log", "mirror")


def envelope(path):
    with open(path, "rb") as f:
        return json.loads(f.read())


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, stdout=subprocess.PIPE).stdout


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def sign(key, kind, payload):
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    with tempfile.NamedTemporaryFile() as f:
        f.write(pae)
        f.flush()
        sig = openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", f.name)
    keyid = hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).hexdigest()
    return {"keyid": keyid, "sig": base64.b64encode(sig).decode()}


def put(payload, member, value):
    *outer, last = member.split(".")
    for name in outer:
        payload = payload[name]
    payload[last] = value


def take_key(payload, signers, name, home):
    """The public key of another home's card in place of ours, and its private key to sign with."""
    if home == ".":
        payload["keys"][name] = payload["keys"]["statement"]
        return
    theirs = json.loads(base64.b64decode(envelope(home + "/card.json")["payload"]))
    if name in ("log", "mirror"):
        raw = base64.b64decode(theirs["keys"][name].split("+", 2)[2])[1:]
        payload["keys"][name] = vkey(payload["name"] + ("/mirror" if name == "mirror" else ""), 4 if name == "mirror" else 1, raw)
    else:
        payload["keys"][name] = theirs["keys"][name]
    if name in signers:
        signers[name] = f"{home}/keys/{name}.pem"


def vkey(name, kind, raw):
    data = bytes([kind]) + raw
    keyid = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    return "%s+%s+%s" % (name, keyid, base64.b64encode(data).decode())


def card(home, out, *changes):
    old = envelope(home + "/card.json")
    payload = json.loads(base64.b64decode(old["payload"]))
    signers = {name: f"{home}/keys/{name}.pem" for name in SIGNERS}
    for change in changes:
        if change.startswith("keys.") and "@" in change:
            key, other = change[5:].split("@", 1)
            take_key(payload, signers, key, other)
        else:
            put(payload, *change.split("=", 1))
    text = compact(payload)
    signatures = [sign(signers[name], old["payloadType"], text) for name in SIGNERS]
    write(out, compact({"payload": base64.b64encode(text).decode(), "payloadType": old["payloadType"], "signatures": signatures}))
    print(hashlib.sha256(text).hexdigest())


def payload(path, out, old, new):
    e = envelope(path)
    text = base64.b64decode(e["payload"])
    if old.encode() not in text:
        sys.exit(f"there is no {old} in the payload of {path}")
    e["payload"] = base64.b64encode(text.replace(old.encode(), new.encode(), 1)).decode()
    write(out, compact(e))


def body(out, what):
    head = b'{"aware_at":"2021-05-07T10:00:00Z","title":"A test","summary":"'
    if what.startswith("long:"):
        text = compact({"aware_at": "2021-05-07T10:00:00Z", "title": "A test", "summary": "x" * int(what[5:]),
                        "indicators": ["y" * 500] * 64, "off_limits": ["z" * 128] * 22})
    else:
        text = {
            "duplicate": head + b'one","summary":"two"}',
            "float": head + b'one","systems_affected":1.5}',
            "utf8": head + b'caf\xe9"}',
            "depth": head + b'one","systems_affected":' + b"[" * 40 + b"]" * 40 + b"}",
        }[what]
    write(out, text)


def main():
    commands = {"card": card, "payload": payload, "body": body}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__.split("\n\n")[1].strip())
    commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
