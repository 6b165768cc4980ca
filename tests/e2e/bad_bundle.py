#!/usr/bin/env python3
"""Makes bad bundles of a good one, with Python's own tarfile.

usage: bad_bundle.py GOOD WHAT OUT

WHAT: repacked (other modes, owners, times), strangers (things that do not belong there), flipped (a bit in the first entries of
the bulk log), cosignature (a bit in each), mixed (files of a log before its origin), checkpoint (that of another log), card (a rival
of a party's card with another name on it), empty (only parley-bundle), other-log (a log that nobody knows)
"""
import hashlib
import io
import re
import sys
import tarfile

good, what, out = sys.argv[1:]
files = []
with tarfile.open(good, "r:", format=tarfile.USTAR_FORMAT) as t:
    for m in t:
        files.append((m.name, t.extractfile(m).read()))


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def plain(name, data):
    m = tarfile.TarInfo(name)
    m.size = len(data)
    return m, io.BytesIO(data)


members = [plain(*f) for f in files]
style = tarfile.USTAR_FORMAT
if what == "repacked":
    for m, _ in members:
        m.mode, m.uid, m.gid, m.uname, m.gname, m.mtime = 0o600, 1000, 1000, "bob", "staff", 1
elif what == "strangers":
    style = tarfile.PAX_FORMAT
    strange = []
    for name, kind in [("card", tarfile.DIRTYPE), ("a-link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("tty", tarfile.CHRTYPE),
                       ("disk", tarfile.BLKTYPE), ("pipe", tarfile.FIFOTYPE)]:
        m = tarfile.TarInfo(name)
        m.type, m.linkname = kind, "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
        strange.append((m, None))
    for name in ["../outside", "/tmp/parley-outside", "parley-bundle", "card/../../x.y.0.json", "README",
                 "f" * 64 + "/tile/0/000", "0" * 64 + "/origin/.."]:
        strange.append(plain(name, b"anything"))
    strange.append(plain("x" * 300, b"a pax header comes before this"))
    strange.append(plain("0" * 64 + "/origin", b"o" * 513))
    members = members[:1] + strange + members[1:]
elif what == "flipped":
    at = next(i for i, (name, data) in enumerate(files) if "/entries/" in name and b"/bulk" in data[:160])
    members[at] = plain(files[at][0], flip(files[at][1], len(files[at][1]) // 2))
elif what == "cosignature":
    for i, (name, data) in enumerate(files):
        if "/checkpoint." in name:
            members[i] = plain(name, re.sub(r"(/mirror [^\n]{40})(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"),
                                            data.decode()).encode())
elif what == "mixed":
    origins = [m for m in members if m[0].name.endswith("/origin")]
    members = [m for m in members if not m[0].name.endswith("/origin")] + origins
elif what == "checkpoint":
    notes = [i for i, (name, _) in enumerate(files) if name.endswith("/checkpoint")]
    members[notes[0]] = plain(files[notes[0]][0], files[notes[1]][1])
elif what == "card":
    cards = [i for i, (name, _) in enumerate(files) if name.startswith("card/")]
    members[cards[0]] = plain("card/other.example.0.json", files[cards[0]][1])
elif what == "empty":
    members = members[:1]
elif what == "other-log":
    origin = b"nobody.example/" + b"0" * 64 + b"/0"
    folder = hashlib.sha256(origin).hexdigest()
    members += [plain(folder + "/origin", origin + b"\n"), plain(folder + "/checkpoint", b"anything\n"),
                plain(folder + "/entries/0-256", b"anything")]
else:
    sys.exit("what is " + what)
with tarfile.open(out, "w:", format=style) as t:
    for m, data in members:
        t.addfile(m, data)
