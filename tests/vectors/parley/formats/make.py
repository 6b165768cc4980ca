#!/usr/bin/env python3
"""Writes the vectors of this folder. Shares no code with parley: keys, signatures and trees come from
reference.py.

usage: make.py [--check]      --check: writes nothing; exit status 1 when a file is not what would be written
Needs Python's cryptography. Everything is derived from fixed words, so that two runs write the same bytes.
"""

import json
import pathlib
import sys

from cases_envelopes import envelopes_file
from cases_notes import checkpoints_file, notes_file
from cases_policies import policies_file
from cases_proofs import proofs_file, trees_file

HERE = pathlib.Path(__file__).parent

FILES = {
    "notes.json": notes_file,
    "checkpoints.json": checkpoints_file,
    "policies.json": policies_file,
    "proofs.json": proofs_file,
    "trees.json": trees_file,
    "envelopes.json": envelopes_file,
}


def main():
    stale = []
    for name, make in FILES.items():
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        path = HERE / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    print(
        "not what make.py writes: " + ", ".join(stale) if stale else "%d files are as make.py writes them" % len(FILES)
    )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
