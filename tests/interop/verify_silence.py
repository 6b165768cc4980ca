#!/usr/bin/python3
"""Checks evidence of non-delivery as docs/protocol.md, section 7, describes it, written from that alone; cards, charters, signatures
and Merkle proofs are read by verify_pack.py, which is, too. Shares no code with parley. Exit: 0 it holds and the author and the
silent parties are who the fingerprints say, 5 it holds but not all of them are identified, 1 it does not hold."""
import argparse
import datetime
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from verify_pack import (CHARTER, NUMBER, STATEMENT, Envelope, Note, all_cards, at, b64, charters, hashes, ijson, included,
                         moment, need, party, read, record, sha256, some, text, unvkey, whole)

LINE = r"[^\0-\x1f\x7f-\x9f]+"
SILENT = {"silent": some(1, 192, record({"party": party, "size": whole(0), "time?": moment}))}
ATTEMPTS = {"attempts": some(0, 16000, record({
    "party": party, "first": moment, "last": moment, "count": whole(1), "request": text(LINE, 32),
    "outcome": text(LINE, 255)}))}


class Witnessed(Note):
    """The log's signature, then those of witnesses in the order of the charter, and nothing else; its policy."""

    def __init__(self, data, author, forum, witnesses):
        origin = f"({re.escape(author[0].name)}/{forum}/{NUMBER})"
        form = re.fullmatch(f"{origin}\n{NUMBER}\n(.{{44}})\n\n(.*)\n", data.decode(), re.S)
        need(form and int(form[3]) < 2**63, "not a checkpoint of this log")
        self.epoch, self.size, self.root, self.body = form[2], int(form[3]), b64(form[4], 32), data[:form.end(4) + 1]
        first, *lines = form[5].split("\n")
        self.policy = f"log {self.signature(first, form[1], 1, [c.log for c in author])}\n"
        names = [f"w{n + 1}" for n in range(len(lines))]
        need(1 <= len(lines) <= 15, "no witness has cosigned it, or too many")
        left = list(witnesses)
        for name, line in zip(names, lines):
            self.policy += f"witness {name} {self.by_next(left, line)}\n"
        many = f"group any-witness any {' '.join(names)}\nquorum any-witness\n"
        self.policy += many if len(names) > 1 else "quorum w1\n"

    def by_next(self, left, line):
        """The key of the first of the witnesses left whose line it is; those before it are passed over."""
        while left:
            key = left.pop(0)
            name = key.split("+")[0]
            if line.startswith(f"\u2014 {name} ") and b64(line.split(" ")[2])[:4].hex() == key.split("+")[1]:
                return self.signature(line, name, 4, [unvkey(key, 4, name)])
        raise ValueError("a line by nobody that charter.json names, or out of order")


def listed(data, rules):
    out = ijson(data)
    record(rules)(out)
    need(json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode() == data, "not in the one form")
    return next(iter(out.values()))


def statement(data, runs):
    e = Envelope(data, "statement", 65535, STATEMENT)
    s, clear = e.json, e.json["kind"].startswith("forum.")
    need(s["to"] and s["from"] not in s["to"] and s["from"] in runs, "to, or no card of the author")
    need(any(e.signed(0, card.statement) for card in runs[s["from"]]), "the author's signature does not verify")
    need([name in s for name in ("body", "sealed", "body_sha256")] == [clear, not clear, not clear], "body or sealed")
    need(("attach" in s) == ("bulk" in s), "attach and bulk go together")
    return s


def proved(files, author, forum, witnesses):
    head, _, note = files["proof.tlog-proof"].partition(b"\n\n")
    form = re.fullmatch(f"c2sp\\.org/tlog-proof@v1\nindex {NUMBER}\n(.*)", head.decode() + "\n", re.S)
    n, leaf = Witnessed(note, author, forum, witnesses), sha256(b"\0", files["entry.json"])
    need(form and int(form[1]) < n.size, "not a proof, or of an entry after the last")
    need(included(int(form[1]), n.size, leaf, hashes(form[2].encode())) == n.root, "it does not prove entry.json")
    need(files["policy.tlog-policy"] == n.policy.encode(), "policy.tlog-policy: another")
    return int(form[1]), n


def cosigned(data, author, run, forum, entry, index, epoch):
    """What the party has cosigned last: before the statement, and what silent.json says."""
    n = Note(data, author, [run], forum)
    seconds = int.from_bytes(b64(data.decode().split("\n")[5].split(" ")[2])[4:12], "big")
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    need(n.epoch == epoch and (n.size, time) == (entry["size"], entry.get("time")), "not what silent.json names")
    need(n.size <= index, "it covers the statement")


def verify(files, given):
    """True when the fingerprints given, pairs of party and digest, identify all parties. Raises ValueError."""
    known = {"entry.json", "proof.tlog-proof", "policy.tlog-policy", "charter.json", "silent.json", "attempts.json"}
    need(known <= set(files), f"{min(known - set(files), default='')}: missing")
    need(len(files) <= 512 and sum(map(len, files.values())) <= 32 << 20, "more than 512 files, or than 32 MiB")
    runs = all_cards(files)
    s = at("entry.json", statement, files["entry.json"], runs)
    silent = at("silent.json", listed, files["silent.json"], SILENT)
    names = [p["party"] for p in silent]
    need(names == [who for who in s["to"] if who in names], "silent.json: not addressees in their order")
    need(set(runs) == {s["from"], *names}, "cards/: one is missing, or of another party")
    charters(files, runs, s)
    witnesses = Envelope(files["charter.json"], "charter", 512 * 1024, CHARTER).json["witnesses"]
    index, note = at("proof.tlog-proof", proved, files, runs[s["from"]], s["forum"], witnesses)
    for p in silent:
        name = f"silent/{p['party']}"
        need((p["size"] > 0) == (name in files) == ("time" in p), f"{name}: missing, or not named")
        if name in files:
            at(name, cosigned, files[name], runs[s["from"]], runs[p["party"]], s["forum"], p, index, note.epoch)
            known.add(name)
    tried = [a["party"] for a in at("attempts.json", listed, files["attempts.json"], ATTEMPTS)]
    need(tried == [who for who in names for _ in range(tried.count(who))], "attempts.json: of others, or in disorder")
    need(all(tried.count(who) <= 1000 for who in names), "attempts.json: more than 1,000 of one party")
    for name in files:
        need(name in known or name == "VERIFY.md" or name.startswith(("cards/", "charter.")), f"{name}: strange here")
    for who, run in runs.items():
        need(who not in [w for w, _ in given] or any((who, card.fingerprint) in given for card in run),
             f"cards/{who}.json: not of the {who} that was given")
    return all((who, run[-1].fingerprint) in given for who, run in runs.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fingerprint", action="append", default=[], metavar="PARTY=HEX")
    parser.add_argument("dir")
    args = parser.parse_args()
    try:
        sys.exit(0 if verify(read(args.dir), [tuple(given.split("=", 1)) for given in args.fingerprint]) else 5)
    except ValueError as e:
        sys.exit(f"does not hold: {e}")
