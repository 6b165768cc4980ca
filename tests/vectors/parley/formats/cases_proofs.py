"""proofs.json and trees.json."""

from reference import b64, inclusion, leaf, root, subtree, valid_subtree
from world import ENTRIES, LEAVES, LOG, W, checkpoint_text, define, signed, wrong


def proof_text(index, hashes, note, extra=None, first="c2sp.org/tlog-proof@v1"):
    lines = (
        [first]
        + (["extra " + b64(extra)] if extra is not None else [])
        + ["index %s" % index]
        + [b64(h) for h in hashes]
    )
    return "\n".join(lines) + "\n\n" + note


def proofs():
    note = signed(LOG, W[0], W[1])
    path = inclusion(6, LEAVES[:11])
    good = proof_text(6, path, note)
    yield "eleven-leaves", "", 6, good, "valid"
    one = checkpoint_text("log.example/1", 1)
    yield "one-leaf", "no hash is needed", 0, proof_text(0, [], signed(LOG, W[0], W[1], text=one)), "valid"
    yield "last-leaf", "", 10, proof_text(10, inclusion(10, LEAVES[:11]), note), "valid"
    yield "extra", "opaque, and not authenticated", 6, proof_text(6, path, note, b"\0extra"), "valid"
    yield "another-entry", "", 5, good, "refused"
    yield "another-index", "", 6, proof_text(7, path, note), "refused"
    yield "index-beyond-tree", "", 6, proof_text(11, path, note), "refused"
    yield "hash-missing", "", 6, proof_text(6, path[:-1], note), "refused"
    yield "hash-too-many", "", 6, proof_text(6, path + [path[-1]], note), "refused"
    yield "hashes-swapped", "", 6, proof_text(6, [path[1], path[0]] + path[2:], note), "refused"
    yield "hash-of-63", "as many as fit, but none of this tree", 6, proof_text(6, [bytes(32)] * 63, note), "refused"
    yield "size-of-another-tree", "", 6, proof_text(
        6, path, signed(LOG, W[0], W[1], text=checkpoint_text("log.example/1", 12))
    ), "refused"
    yield "not-signed-by-the-log", "", 6, proof_text(6, path, signed(W[0], W[1])), "refused"
    yield "witness-missing", "", 6, proof_text(6, path, signed(LOG, W[0])), "refused"
    yield "witness-fails", "", 6, proof_text(6, path, signed(LOG, W[0], W[1], wrong(W[1]))), "refused"
    for name, text in [
        ("version-2", good.replace("@v1", "@v2")),
        ("empty", ""),
        ("no-index", proof_text(6, path, note).replace("index 6\n", "")),
        ("index-leading-zero", proof_text("06", path, note)),
        ("index-negative", proof_text(-6, path, note)),
        ("index-over-63-bits", proof_text(2**63, path, note)),
        ("extra-empty", good.replace("index", "extra \nindex", 1)),
        ("extra-not-base64", good.replace("index", "extra YW\nindex", 1)),
        ("extra-after-index", good.replace("index 6\n", "index 6\nextra YWdl\n")),
        ("two-extras", good.replace("index", "extra YWdl\nextra YWdl\nindex", 1)),
        ("hash-short", proof_text(6, [h[:31] for h in path], note)),
        ("no-empty-line", "\n".join(good.split("\n")[:6]) + "\n"),
        ("no-checkpoint", good[: good.index("\n\n") + 2]),
        ("64-hashes", proof_text(6, [bytes(32)] * 64, note)),
        ("crlf", good.replace("\n", "\r\n")),
    ]:
        yield name, "", 6, text, "malformed"


def proofs_file():
    policy = "log %s\n" % LOG.vkey + define(0, 1) + "group g all w0 w1\nquorum g\n"
    return {
        "policy": policy,
        "proofs": [
            dict(name=name, **({"why": why} if why else {}), entry=ENTRIES[i].decode(), proof=text, expect=expect)
            for name, why, i, text, expect in proofs()
        ],
    }


def trees_file():
    hashes = lambda proof: [b64(h) for h in proof]
    trees = []
    for size in range(len(LEAVES) + 1):
        leaves = LEAVES[:size]
        trees.append(
            {
                "size": size,
                "root": b64(root(leaves)),
                "inclusion": [hashes(inclusion(i, leaves)) for i in range(size)],
                "consistency": [hashes(subtree(0, old, leaves)) for old in range(1, size + 1)],
                "subtrees": (
                    [
                        {"start": s, "end": e, "root": b64(root(leaves[s:e])), "proof": hashes(subtree(s, e, leaves))}
                        for s in range(1, size)
                        for e in range(s + 1, size + 1)
                        if valid_subtree(s, e)
                    ]
                    if size in (7, 13, 16)
                    else []
                ),
            }
        )
    return {"entries": [e.decode() for e in ENTRIES], "trees": trees}
