#!/usr/bin/python3
"""Asks two verifiers of evidence packs, parley and verify_pack.py: they must say the same of every one.

usage: same_verdict.py verdicts FOLDER        the packs in FOLDER, as its file `verdicts` says
       same_verdict.py vectors FILE.json...   published packs
       same_verdict.py altered FOLDER A-B     altered packs (alter_pack.py), number A to B - 1, made of those in FOLDER
       same_verdict.py show FOLDER N          what both say of number N, which stays in FOLDER/altered

FOLDER/list has a line "PACK PARTY=FINGERPRINT" for each party of each pack, FOLDER/verdicts a line "PACK EXIT EXIT FILE":
without and with fingerprints. An altered pack comes from its number alone.
"""

import base64
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import alter_pack
import verify_pack


def parley(top, given):
    options = [o for who, digest in given for o in ("--fingerprint", f"{who}={digest}")]
    got = subprocess.run(["parley", "verify", *options, top], capture_output=True, text=True, errors="replace")
    return got.returncode, got.stdout + got.stderr


def python(files, given):
    try:
        return (0 if verify_pack.verify(files, given) else 5), ""
    except ValueError as e:
        return 1, str(e)


class Folder:
    """A pack on disk; of the next one only what differs is written."""

    def __init__(self, top):
        self.top, self.files = pathlib.Path(top), {}
        shutil.rmtree(top, ignore_errors=True)
        self.top.mkdir()

    def put(self, files):
        for name in self.files.keys() - files.keys():
            path = self.top / name
            path.unlink()
            if path.parent != self.top and not any(path.parent.iterdir()):
                path.parent.rmdir()
        for name, data in files.items():
            if self.files.get(name) != data:
                path = self.top / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        self.files = files


def fingerprints(folder):
    known = {}
    for line in pathlib.Path(folder, "list").read_text().splitlines():
        name, _, given = line.partition(" ")
        known.setdefault(name, []).append(tuple(given.split("=", 1)))
    return known


def verdicts(folder):
    known, count = fingerprints(folder), 0
    for line in pathlib.Path(folder, "verdicts").read_text().splitlines():
        name, alone, with_known, _ = line.split()
        top = os.path.join(folder, name)
        for want, given in ((int(alone), []), (int(with_known), known.get(name, []))):
            got = parley(top, given)[0], *python(verify_pack.read(top), given)
            if got[:2] != (want, want):
                sys.exit(f"{name}: parley exit {got[0]}, verify_pack.py {got[1]} {got[2]}, want {want}")
            count += 1
    print(f"{count} verdicts as they should be")


def vectors(*names):
    with tempfile.TemporaryDirectory() as top:
        folder = Folder(os.path.join(top, "pack"))
        for name in names:
            vector = json.loads(pathlib.Path(name).read_text())
            folder.put(
                {
                    n: base64.b64decode(d["base64"]) if isinstance(d, dict) else d.encode()
                    for n, d in vector["files"].items()
                }
            )
            good = vector["verdict"] == "good"
            for want, given in ((0 if good else 1, list(vector["fingerprints"].items())), (5 if good else 1, [])):
                got = parley(folder.top, given)[0], *python(folder.files, given)
                if got[:2] != (want, want):
                    sys.exit(f"{name}: parley exit {got[0]}, verify_pack.py {got[1]} {got[2]}, want {want}")
    print(f"{len(names)} vectors as they should be")


def some_given(rng, given):
    """All fingerprints mostly; else none, one, one more, or a wrong one."""
    how = rng.randrange(10)
    if how < 6 or not given:
        return given
    who, _ = rng.choice(given)
    wrong = (who, "0" * 64)
    return [[], given[:1], given + [wrong], [wrong] + [g for g in given if g[0] != who]][how - 6]


def can_be_written(files):
    folders = {name.rpartition("/")[0] for name in files}
    folders |= {name.rpartition("/")[0] for name in folders}
    return not folders & files.keys() and not any(len(part) > 255 for name in files for part in name.split("/"))


def altered_pack(number, packs, names):
    """Files, fingerprints, what was done, or None: every second one is signed anew."""
    rng, name = random.Random(number), names[number // 2 % len(names)]
    files, given = packs[name]
    if number % 2:
        new, what = alter_pack.alter_bytes(rng, files, [f for f, _ in packs.values()])
    else:
        new, given, what = alter_pack.alter_signed(rng, files)
    return new, some_given(rng, given), f"{name}: {what}"


def altered(folder, numbers, show=False):
    first, _, last = numbers.partition("-")
    packs = {
        name: (verify_pack.read(os.path.join(folder, name)), given) for name, given in fingerprints(folder).items()
    }
    names = sorted(name for name, (files, given) in packs.items() if python(files, given)[0] == 0)
    disk, seen, apart = Folder(os.path.join(folder, "altered")), {}, 0
    for number in range(int(first), int(last)):
        files, given, what = altered_pack(number, packs, names)
        if not can_be_written(files) or not can_be_written({**files, **disk.files}):
            files = packs[names[0]][0]
        disk.put(files)
        (got, text), (other, why) = parley(disk.top, given), python(files, given)
        seen[got] = seen.get(got, 0) + 1
        if show:
            print(f"{what}\nfingerprints: {given}\nparley: exit {got}\n{text}\nverify_pack.py: exit {other} {why}")
        elif got != other or got not in (0, 1, 5):
            apart += 1
            print(
                f"number {number}, {what}: parley exit {got}, verify_pack.py {other} {why} | {text.strip()[:300]!r}",
                flush=True,
            )
    print(f"{len(names)} packs altered:", ", ".join(f"{n} with exit {code}" for code, n in sorted(seen.items())))
    if apart:
        sys.exit(f"{apart} packs judged differently")


def show(folder, number):
    altered(folder, f"{number}-{int(number) + 1}", True)


if __name__ == "__main__":
    {"verdicts": verdicts, "vectors": vectors, "altered": altered, "show": show}[sys.argv[1]](*sys.argv[2:])
