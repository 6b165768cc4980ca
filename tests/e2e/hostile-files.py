#!/usr/bin/env python3
"""Gives altered files to the command line and judges how it ends. Called by hostile-files.sh.

usage: hostile-files.py PARLEY FOLDER COUNT PARTY=FINGERPRINT...

FOLDER holds pack/ (an evidence pack), us/ and xx/ (homes; the keys of xx are protected) and charter and cards within them.
"""
import base64
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

MEMORY_MAX = 64 << 20
SECONDS_MAX = 1.0
SENTENCE_MAX = 700  # bytes
UNFIT = re.compile(r"Sanitizer|[Aa]ssert|\(null\)|core dumped|0x[0-9a-f]{6,}|%[sdluz]")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

TOKENS = [b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"{", b"}", b"[", b'"', b"\\", b"\n", b"\r\n", b"\n\n", b" ", b"=",
          b"+", b"-1", b"1e9", b"18446744073709551616", b"null", "\u2014 ".encode(), "\u202e".encode(), b"\x1b[31m",
          b"../../etc/passwd", b"%s%n", b"{" * 40, b"A" * 3000]


# ---- altering ----

def cut(rng, data):
    a = rng.randrange(len(data) + 1)
    return a, min(len(data), a + 1 + rng.randrange(1 << rng.randrange(10)))


def lines_of(data):
    return data.splitlines(keepends=True)


def alter_bytes(rng, data, others):
    a, b = cut(rng, data)
    way = rng.randrange(11)
    if way == 0 and data:
        i = rng.randrange(len(data))
        return data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1:]
    if way == 1:
        return data[:a] + bytes(rng.randrange(256) for _ in range(1 + rng.randrange(8))) + data[b:]
    if way == 2:
        return data[:a] + data[b:]
    if way == 3:
        return data[:b] + data[a:b] * (1 + rng.randrange(3)) + data[b:]
    if way == 4:
        return data[:a]
    if way == 5:
        return data[:a] + rng.choice(TOKENS) + data[a:]
    if way == 6:
        return data[:a] + rng.choice(TOKENS) + data[b:]
    if way == 7:
        other = rng.choice(others)
        c, d = cut(rng, other)
        return data[:a] + other[c:d] + data[b:]
    lines = lines_of(data)
    if not lines:
        return rng.choice(TOKENS)
    i, k = rng.randrange(len(lines)), rng.randrange(len(lines))
    if way == 8:
        del lines[i]
    elif way == 9:
        lines.insert(i, lines[k])
    else:
        lines[i], lines[k] = lines[k], lines[i]
    return b"".join(lines)


def alter_inside(rng, data, others):
    """The payload of an envelope, the text in a base64 line, or a number."""
    try:
        envelope = json.loads(data)
        payload = alter_bytes(rng, base64.b64decode(envelope["payload"]), others)
        inner = base64.b64encode(payload).decode()
        return data.replace(envelope["payload"].encode(), inner.encode(), 1)
    except (ValueError, KeyError, TypeError):
        pass
    numbers = list(re.finditer(rb"\d+", data))
    if not numbers:
        return alter_bytes(rng, data, others)
    m = rng.choice(numbers)
    new = rng.choice([b"0", b"00", b"1", b"9223372036854775807", b"9223372036854775808", b"99999999999999999999999"])
    return data[:m.start()] + new + data[m.end():]


def alter(rng, data, others):
    for _ in range(1 + rng.randrange(3)):
        data = (alter_inside if rng.randrange(4) == 0 else alter_bytes)(rng, data, others)
    return data


# ---- running ----

class Parley:
    def __init__(self, program):
        self.program = program
        with open(program, "rb") as f:
            sanitized = b"__asan_init" in f.read()
        self.memory_max = MEMORY_MAX * (8 if sanitized else 1)
        self.seconds_max = SECONDS_MAX * (20 if sanitized else 1)
        self.most_memory = self.most_seconds = 0

    def run(self, home, args, more_memory=0):
        """Exit status and standard error; complains of what took too much. Time is that of the processor."""
        child = subprocess.Popen([self.program, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, env={**os.environ, "PARLEY_HOME": home})
        said = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stderr.close()
        memory, seconds = used.ru_maxrss << 10, used.ru_utime + used.ru_stime
        if not more_memory:
            self.most_memory, self.most_seconds = max(self.most_memory, memory), max(self.most_seconds, seconds)
        wrong = []
        if memory > self.memory_max + more_memory:
            wrong.append(f"it took {memory >> 20} MiB")
        if seconds > self.seconds_max and not more_memory:
            wrong.append(f"it took {seconds:.2f} s")
        return child.returncode, said, wrong


def sentence_faults(said):
    try:
        text = said.decode()
    except UnicodeDecodeError:
        return ["the message is not UTF-8"]
    wrong = []
    if not text.strip() or not text.endswith("\n") or text.count("\n") != 1:
        wrong.append("the message is not one line")
    if CONTROL.search(text):
        wrong.append("the message has control characters")
    if UNFIT.search(text) and "%s%n" not in text:
        wrong.append("the message is not for people")
    if len(said) > SENTENCE_MAX:
        wrong.append(f"the message has {len(said)} bytes")
    return wrong


# ---- what is tried ----

def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o600)


class Trial:
    """One altered file: how it is given to parley, and when it was harmless."""

    def __init__(self, folder, anchors):
        self.folder, self.anchors = folder, anchors
        pack = os.path.join(folder, "pack")
        self.names = sorted(os.path.relpath(os.path.join(d, f), pack) for d, _, files in os.walk(pack) for f in files)
        self.notes = [n for n in self.names if n.endswith(("proof.tlog-proof", "checkpoint", "policy.tlog-policy"))]
        self.files = {n: read(os.path.join(pack, n)) for n in self.names}
        self.others = list(self.files.values())
        self.bad = os.path.join(folder, "bad-pack")
        shutil.copytree(pack, self.bad)
        self.keys = os.path.join(folder, "xx", "keys")
        self.locked = [f for f in sorted(os.listdir(self.keys)) if f.endswith(".age") and not f.startswith("rotation")]

    def pack(self, rng, parley, names):
        name = rng.choice(names)
        data = alter(rng, self.files[name], self.others)
        path = os.path.join(self.bad, name)
        write(path, data)
        known = rng.randrange(3) > 0
        args = ["verify", *(self.anchors if known else []), self.bad]
        code, said, wrong = parley.run(os.path.join(self.folder, "nowhere"), args)
        write(path, self.files[name])
        same = name == "VERIFY.md" or data == self.files[name]
        return name, data, code, said, wrong, (0 if known else 5) if same else 1

    def file(self, rng, parley, name, trust):
        original = self.files[name]
        data = alter(rng, original, self.others)
        path = os.path.join(self.folder, "hostile")
        write(path, data)
        same = data.rstrip(b"\r\n") == original  # what mail and editors put behind it is taken away
        if trust:
            fingerprint = next(a.split("=")[1] for a in self.anchors if "=" in a and a.split("=")[0] in name)
            args, good = ["trust", path, "--fingerprint", fingerprint], 0
        elif name == "charter.json":  # without the cards nobody can judge its signatures
            cards = [x for h in ("us", "ru") for x in ("--card", os.path.join(self.folder, h, "card.json"))]
            args, good = ["verify", *cards, path], 0
        else:
            args, good = ["verify", path], 5
        code, said, wrong = parley.run(os.path.join(self.folder, "us" if trust else "nowhere"), args)
        return f"{args[0]} {name}", data, code, said, wrong, good if same else 1

    def age(self, rng, parley):
        name, home = rng.choice(self.locked), os.path.join(self.folder, "yy")
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(os.path.join(self.folder, "xx"), home)
        path = os.path.join(home, "keys", name)
        original = read(path)
        data = alter_bytes(rng, original, self.others)
        write(path, data)
        # A work factor up to 20 is allowed in one's own key files, and takes the memory that it says.
        m = re.match(rb"age-encryption\.org/v1\n-> scrypt \S+ (\d{1,2})\n", data)
        more = 1 << int(m[1]) + 10 if m and 10 < int(m[1]) <= 20 else 0
        code, said, wrong = parley.run(home, ["keys", "unprotect"], more)
        return f"keys unprotect {name}", data, code, said, wrong, 0 if data == original else 1

    def one(self, rng, parley):
        kind = rng.randrange(100)
        cards = [n for n in self.names if n.startswith("cards/")]
        theirs = next(n for n in cards if ".ru." in n)
        if kind < 45:
            return self.pack(rng, parley, self.names)
        if kind < 65:
            return self.pack(rng, parley, self.notes)
        if kind < 75:
            return self.file(rng, parley, rng.choice(cards), False)
        if kind < 85:
            return self.file(rng, parley, theirs, True)
        if kind < 90:
            return self.file(rng, parley, "charter.json", False)
        return self.age(rng, parley)


def main():
    program, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    anchors = [x for a in sys.argv[4:] for x in ("--fingerprint", a)]
    parley, trial, tried, bad = Parley(program), Trial(folder, anchors), {}, 0
    start = time.monotonic()
    for number in range(count):
        what, data, code, said, wrong, want = trial.one(random.Random(number), parley)
        tried[code] = tried.get(code, 0) + 1
        if code != want:
            wrong.append(f"exit {code} instead of {want}")
        if code == 1:
            wrong += sentence_faults(said)
        if wrong:
            bad += 1
            write(os.path.join(folder, f"hostile.{number}"), data)
            print(f"number {number}, {what}: {'; '.join(wrong)}\n    {said[:600]!r}")
    print(f"{count} files in {time.monotonic() - start:.0f} s, at most {parley.most_memory >> 20} MiB and "
          f"{parley.most_seconds:.2f} s of processor time; exit codes {dict(sorted(tried.items()))}")
    if bad:
        print(f"{bad} of them are not answered as they should be")
    return bad > 0


sys.exit(main())
