#!/usr/bin/python3
"""Asks parley and verify_fork.py of proofs of two histories: they must say the same of every one. Every second is made anew
and signed, with something odd in it (forge_fork.py).

usage: same_verdict_fork.py FOLDER A-B     altered proofs (alter_pack.py), number A to B - 1, made of those in FOLDER
       same_verdict_fork.py show FOLDER N  what both say of number N, which stays in FOLDER/altered

FOLDER/list has a line "NAME PARTY=FINGERPRINT" for each proof. An altered proof comes from its number alone.
"""
import os
import pathlib
import random
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import alter_pack
import forge_fork
import same_verdict
import verify_fork

SIGNATURE = re.compile(rb"(?m)^\xe2\x80\x94 .*\n")


def python(files, given):
    try:
        return (4 if verify_fork.verify(files, given)[1] else 5), ""
    except ValueError as e:
        return 1, str(e)


def notes(rng, files, others):
    """What is peculiar to such proofs: the two notes, their signature lines, and the numbers that name them."""
    files, other = dict(files), rng.choice(others)
    name, from_ = rng.choice(verify_fork.FILES), rng.choice(verify_fork.FILES)
    lines = SIGNATURE.findall(other[from_]) or [b""]
    how = rng.randrange(8)
    if how == 0:
        files.update(zip(verify_fork.FILES, [files[f] for f in reversed(verify_fork.FILES)]))
    elif how == 1:
        files[name] = files[from_]
    elif how == 2:  # a line more, of this or another proof: unknown, twice, or of a key that signed something else
        files[name] += rng.choice(lines)
    elif how == 3:
        files[name] = SIGNATURE.sub(b"", files[name], 1) + rng.choice(lines)
    elif how == 4:
        files["consistency"] = other.get("consistency", b"")
    elif how == 5:
        files["consistency"] = files.get("consistency", b"") + rng.choice(other.get("consistency", b"\n").split(b"\n"))
    elif how == 6:  # another's cards as well
        files.update({n: d for n, d in other.items() if n.startswith("cards/")})
    else:
        files[name] = files[name].replace(b"/0\n", rng.choice([b"/1\n", b"/0/bulk\n", b"/00\n", b"\n"]), 1)
    return files, f"notes {how} {name}"


def altered_proof(number, proofs, names):
    rng, name = random.Random(number), names[number % len(names)]
    files, given = proofs[name]
    if number % 2 and sum(n.startswith("cards/") for n in files) == 1:
        new, given, what = forge_fork.forged(rng, files)
        return new, same_verdict.some_given(rng, given), what
    others = [f for f, _ in proofs.values()]
    alter = notes if rng.randrange(3) == 0 else alter_pack.alter_bytes
    new, what = alter(rng, files, others)
    return new, same_verdict.some_given(rng, given), f"{name}: {what}"


def altered(folder, numbers, show=False):
    first, _, last = numbers.partition("-")
    proofs = {
        name: (verify_fork.read(os.path.join(folder, name)), given)
        for name, given in same_verdict.fingerprints(folder).items()
    }
    names, disk = sorted(proofs), same_verdict.Folder(os.path.join(folder, "altered"))
    seen, apart = {}, 0
    for number in range(int(first), int(last)):
        files, given, what = altered_proof(number, proofs, names)
        if not same_verdict.can_be_written(files) or not same_verdict.can_be_written({**files, **disk.files}):
            continue
        if "first.checkpoint" not in files:  # then it is meant as an evidence pack
            continue
        disk.put(files)
        (got, text), (other, why) = same_verdict.parley(disk.top, given), python(files, given)
        seen[got] = seen.get(got, 0) + 1
        if show:
            print(f"{what}\nfingerprints: {given}\nparley: exit {got}\n{text}\nverify_fork.py: exit {other} {why}")
        elif got != other or got not in (1, 4, 5):
            apart += 1
            print(f"number {number}, {what}: parley exit {got}, verify_fork.py {other} {why} | {text.strip()[:300]!r}")
    print(f"{len(names)} proofs altered:", ", ".join(f"{n} with exit {code}" for code, n in sorted(seen.items())))
    if apart:
        sys.exit(f"{apart} proofs judged differently")
    if not show and not {1, 4, 5} <= set(seen):
        sys.exit("not every verdict was met")


if __name__ == "__main__":
    if sys.argv[1] == "show":
        altered(sys.argv[2], f"{sys.argv[3]}-{int(sys.argv[3]) + 1}", True)
    else:
        altered(*sys.argv[1:])
