#!/usr/bin/env python3
"""Shows that a verifier of evidence packs can say no.

usage: alter.py STEP DIR COMMAND...

Flips one bit of every STEP-th byte of every file in DIR but VERIFY.md, one at a time, and runs COMMAND: it must exit 1 each
time, and 0 at the end, when all is as it was.
"""
import pathlib
import subprocess
import sys


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def main(step, folder, *command):
    count = 0
    for path in sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file() and p.name != "VERIFY.md"):
        data = path.read_bytes()
        for at in range(count % int(step), len(data), int(step)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
            got = run(command)
            if got.returncode != 1:
                sys.exit(f"{path}: byte {at} altered: exit {got.returncode}\n{got.stdout}{got.stderr}")
            count += 1
        path.write_bytes(data)
    got = run(command)
    if got.returncode != 0 or count == 0:
        sys.exit(f"exit {got.returncode} over the pack as it was\n{got.stdout}{got.stderr}")
    print(f"{count} altered bytes noticed")


if __name__ == "__main__":
    main(*sys.argv[1:])
