#!/usr/bin/python3
"""Checks proofs of two histories as docs/protocol.md, section 11, describes them, written from that alone; cards, signatures
and Merkle proofs are read by verify_pack.py, which is, too. Shares no code with parley; the cryptography is that of the Debian
package python3-cryptography. Exit: 4 the proof holds and whoever is convicted is who the fingerprints say, 5 it holds but not
all who are convicted are identified by the fingerprints, 1 it does not hold."""
import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from verify_pack import NUMBER, all_cards, at, b64, consistent, genuine, hashes, key_id, need, origin, read, sha256

TEXT, LOG, MIRROR = b"[^\0-\x09\x0b-\x1f]*", 1, 4
FILES = ["first.checkpoint", "second.checkpoint"]


class Note:
    """A signed note over a checkpoint: C2SP signed-note and tlog-checkpoint."""

    def __init__(self, data):
        need(len(data) <= 65536 and re.fullmatch(TEXT, data), "too long, or with a control character")
        data.decode()
        self.text, empty, lines = data.rpartition(b"\n\n")
        self.text += b"\n"
        need(empty and lines.endswith(b"\n") and lines.count(b"\n") <= 64, "no signature lines, or too many")
        self.signatures = [self.signature(line) for line in lines.decode().split("\n")[:-1]]
        form = re.fullmatch(f"([^\n]+)\n{NUMBER}\n([^\n]*)\n", self.text.decode())
        need(form and origin(form[1]), "not a checkpoint of a log of a forum")
        self.origin, self.size, self.root = form[1], int(form[2]), b64(form[3], 32)
        self.author, _, epoch = form[1].split("/")[:3]
        need(max(self.size, int(epoch)) < 2**63, "a number too large")

    def signature(self, line):
        form = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
        need(form and not any(c.isspace() for c in form[1]), "not a signature line")
        data = b64(form[2])
        need(len(data) > 4, "a signature line without a signature")
        return form[1], data[:4], data[4:]

    def signed(self, name, kind, keys):
        """Whether one of these keys signed. Every line that names one of them must be by it."""
        found = False
        for key in keys:
            for _, _, data in (s for s in self.signatures if s[:2] == (name, key_id(name, kind, key))):
                message, stamp = self.text, 0
                if kind == MIRROR:
                    need(len(data) == 72, "a cosignature of another length")
                    stamp = int.from_bytes(data[:8], "big")
                    message = b"cosignature/v1\ntime %d\n%b" % (stamp, self.text)
                need(len(data) == (72 if kind == MIRROR else 64) and stamp < 2**63, f"signature of {name}")
                need(genuine(key, message, data[-64:]), f"signature of {name} does not verify")
                found = True
        return found


def convicted(notes, who, run):
    """As what the party is convicted."""
    as_log = [
        at(file, note.signed, note.origin, LOG, [card.log for card in run] if note.author == who else [])
        for file, note in zip(FILES, notes)
    ]
    as_mirror = [
        at(file, note.signed, who + "/mirror", MIRROR, [card.mirror for card in run]) for file, note in zip(FILES, notes)
    ]
    return [role for role, both in (("log", as_log), ("mirror", as_mirror)) if all(both)]


def contradict(files, first, second):
    need(first.origin == second.origin, "second.checkpoint: of another log")
    need(first.size <= second.size, "first.checkpoint: it is the larger")
    need(("consistency" in files) == (first.size < second.size), "consistency: missing, or too much")
    if first.size == second.size:
        need(first.root != second.root, "second.checkpoint: the same tree")
        return
    begin, *path = hashes(files["consistency"]) or [b""]
    need(len(path) <= 63 and begin != first.root, "consistency: too long, or of one history")
    if first.size:
        need(consistent(first.size, second.size, begin, path) == [begin, second.root], "it does not fit")
    else:
        need(begin == sha256() and not path, "it does not fit")


def verify(files, given):
    """Who is convicted, as what, and whether the fingerprints given identify all of them. Raises ValueError."""
    small = sum(len(data) for data in files.values())
    need(len(files) <= 512 and small <= 32 << 20, "more than 512 files, or than 32 MiB")
    need(set(FILES) <= set(files), "a checkpoint is missing")
    for name in files:
        need(name in [*FILES, "consistency", "VERIFY.md"] or name.startswith("cards/"), f"{name}: strange here")
    runs = all_cards(files)
    notes = [at(name, Note, files[name]) for name in FILES]
    at("consistency", contradict, files, *notes)
    found = {who: convicted(notes, who, run) for who, run in runs.items()}
    need(found, "cards/: nobody is convicted")
    for who, roles in found.items():
        need(roles, f"cards/{who}.json: it did not sign both")
        need(
            who not in [w for w, _ in given] or any((who, card.fingerprint) in given for card in runs[who]),
            f"cards/{who}.json: not of the {who} that was given",
        )
    return found, all((who, run[-1].fingerprint) in given for who, run in runs.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fingerprint", action="append", default=[], metavar="PARTY=HEX")
    parser.add_argument("dir")
    args = parser.parse_args()
    try:
        found, known = verify(read(args.dir), [tuple(given.split("=", 1)) for given in args.fingerprint])
    except ValueError as e:
        sys.exit(f"does not hold: {e}")
    for who, roles in found.items():
        print(f"{who} signed two histories, as {' and as '.join(roles)}")
    sys.exit(4 if known else 5)


if __name__ == "__main__":
    main()
