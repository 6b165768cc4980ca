"""Writes one log of a running node as the files of a C2SP mirror, from its local API.

usage: audit_files.py SOCKET ORIGIN FOLDER
"""
import hashlib
import http.client
import os
import socket
import sys


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("node")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def get(name):
    c = Local(sys.argv[1])
    c.request("GET", "/v1/audit/" + name)
    r = c.getresponse()
    assert r.status == 200, (name, r.status)
    return r.read()


def items(page):
    while page:
        n = int.from_bytes(page[:4], "big")
        yield page[4:4 + n]
        page = page[4 + n:]


def put(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def main():
    origin, folder = sys.argv[2:4]
    folder = os.path.join(folder, hashlib.sha256(origin.encode()).hexdigest())
    note = next(items(get("live/0/" + origin))).split(b"\n", 1)[1]
    size = int(note.split(b"\n")[1])
    assert 0 < size < 256
    put(folder, "checkpoint", note)
    put(folder, "tile/0/000.p/%d" % size, get("tile/0/0/%d/%s" % (size, origin))[:32 * size])
    bundle = b"".join(len(e).to_bytes(2, "big") + e for e in items(get("entries/0/%d/%s" % (size, origin))))
    put(folder, "tile/entries/000.p/%d" % size, bundle)


main()
