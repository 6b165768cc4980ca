#!/usr/bin/env python3
"""Takes the age files of a statement out of its entry and out of a log (docs/protocol.md, sections 4 and 5).

usage: sealed.py body ENTRY OUT
       sealed.py file ENTRY N OUT CURL-ARGUMENT... BASE
           file number N, read from the bulk log that BASE (card: monitoring) serves
Both check the digest that they can: that of the sealed file.
"""
import base64
import hashlib
import json
import subprocess
import sys


def statement_of(path):
    return json.loads(base64.b64decode(json.load(open(path))["payload"], validate=True))


def bundle_path(number, width):
    name = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        name = f"x{number % 1000:03}/{name}"
    return f"tile/entries/{name}" + (f".p/{width}" if width < 256 else "")


class Log:
    def __init__(self, curl, base, origin):
        self.curl, self.base = curl, f"{base}/{hashlib.sha256(origin.encode()).hexdigest()}/"
        self.size = int(self.get("checkpoint").split(b"\n")[1])

    def get(self, path):
        return subprocess.run([*self.curl, self.base + path], check=True, stdout=subprocess.PIPE).stdout

    def bundle(self, number):
        data, entries = self.get(bundle_path(number, min(256, self.size - number * 256))), []
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            entries.append(data[2:end])
            data = data[end:]
        return entries

    def entries(self, first, count):
        last = first + count - 1
        run = [e for n in range(first // 256, last // 256 + 1) for e in self.bundle(n)]
        return run[first % 256:first % 256 + count]


def sealed_file(statement, number, curl, base):
    attach = statement["attach"][number]
    log = Log(curl, base, f"{statement['from']}/{statement['forum']}/0/bulk")
    entries = log.entries(attach["first"], attach["count"])
    assert all(len(e) == 4096 for e in entries[:-1]) and len(entries) == attach["count"]
    data = b"".join(entries)
    assert len(data) == attach["size"] and hashlib.sha256(data).hexdigest() == attach["sha256"]
    return data


def main(what, entry, *rest):
    statement = statement_of(entry)
    if what == "body":
        data = base64.b64decode(statement["sealed"], validate=True)
    else:
        data = sealed_file(statement, int(rest[0]), ["curl", *rest[2:-1]], rest[-1])
    open(rest[0] if what == "body" else rest[1], "wb").write(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
