#!/usr/bin/env python3
"""What litewitness's own tools would do: they need a module that cannot always be had.

usage: witness.py vkey NAME KEY.pub             the C2SP verifier key of an Ed25519 key of OpenSSH
       witness.py fingerprint KEY.pub           as ssh-agent knows it
       witness.py add-log DB VKEY               has the witness know the log whose origin the vkey names
"""
import base64, hashlib, sqlite3, sys


def public(path):
    blob = base64.b64decode(open(path).read().split()[1])
    assert blob[:15] == b"\0\0\0\x0bssh-ed25519" and len(blob) == 51
    return blob, blob[-32:]


def vkey(name, path):
    key = b"\x04" + public(path)[1]
    digest = hashlib.sha256(name.encode() + b"\n" + key).digest()
    print(f"{name}+{digest[:4].hex()}+{base64.b64encode(key).decode()}")


def fingerprint(path):
    print("SHA256:" + base64.b64encode(hashlib.sha256(public(path)[0]).digest()).decode().rstrip("="))


def add_log(db, key):
    origin = key.split("+")[0]
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    with sqlite3.connect(db, timeout=30) as c:
        c.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (origin, empty))
        c.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (origin, key))


{"vkey": vkey, "fingerprint": fingerprint, "add-log": add_log}[sys.argv[1]](*sys.argv[2:])
