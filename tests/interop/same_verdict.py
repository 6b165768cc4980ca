#!/usr/bin/env python3
"""Alters an evidence pack byte by byte and asks three verifiers: parley, verify_pack.py and the script of stock tools.

usage: same_verdict.py SEED-FROM SEED-TO DIR PARTY=FINGERPRINT...

Seed n picks the file, the byte and its new value; a byte of every file is altered within each round of as many seeds as
there are files. parley and verify_pack.py must say no to everything but changes of VERIFY.md, and parley must name the
file. The stock tools, which read less, are asked at every twentieth seed: where they say no, parley did.
"""
import os
import pathlib
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify_pack

REFUSALS = (verify_pack.Bad, KeyError, TypeError, ValueError, AttributeError, IndexError)


def parley(top, given):
    options = [o for g in given for o in ("--fingerprint", g)]
    got = subprocess.run(["parley", "verify", *options, top], capture_output=True, text=True)
    return got.returncode, got.stdout + got.stderr


def python(top, given):
    pairs = [g.split("=", 1) for g in given]
    try:
        return 0 if verify_pack.verify(verify_pack.read(top), pairs) else 5
    except REFUSALS:
        return 1


def stock(top, given):
    return subprocess.run(["tools/verify-with-stock-tools", top, *given], capture_output=True).returncode


def main(first, last, top, *given):
    files = sorted(str(p.relative_to(top)) for p in pathlib.Path(top).rglob("*") if p.is_file())
    asked = 0
    for seed in range(int(first), int(last) + 1):
        rng, name = random.Random(seed), files[seed % len(files)]
        path = pathlib.Path(top, name)
        data = path.read_bytes()
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1:])
        want = 0 if name == "VERIFY.md" else 1
        (got, text), other = parley(top, given), python(top, given)
        simple = stock(top, given) if seed % 20 == 0 else want
        path.write_bytes(data)
        if got != want or other != want:
            sys.exit(f"seed {seed}: {name}, byte {at}: parley exit {got}, verify_pack.py {other}, want {want}\n{text}")
        if simple > want or simple not in (0, 1):
            sys.exit(f"seed {seed}: {name}, byte {at}: stock tools exit {simple}, the others {want}")
        if want == 1 and name not in text:
            sys.exit(f"seed {seed}: {name}, byte {at}: parley does not name the file\n{text}")
        asked += 1
    if (parley(top, given)[0], python(top, given), stock(top, given)) != (0, 0, 0):
        sys.exit("the pack, as it was, is not accepted")
    print(f"{asked} altered packs judged alike")


if __name__ == "__main__":
    main(*sys.argv[1:])
