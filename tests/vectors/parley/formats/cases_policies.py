"""policies.json."""

from reference import Key
from world import LOG, LOG2, OTHER, W, checkpoint_text, define, key, signed, text_or_base64, wrong


def policies():
    log = "log %s\n" % LOG.vkey
    yes, no = "valid", "refused"
    yield "no-witness", "", log + "quorum none\n", [
        (yes, "", signed(LOG)),
        (yes, "a witness that the policy does not name", signed(LOG, wrong(W[0]))),
        (no, "another key under the log's name", signed(LOG2)),
        (no, "the log's signature fails", signed(wrong(LOG))),
        (no, "no signature by a log", signed(W[0])),
        (no, "another log's checkpoint, signed by this log", signed(LOG, text=checkpoint_text("log.example/9", 11))),
    ]
    both = log + "log %s https://log.example/\nquorum none\n" % OTHER.vkey
    yield "two-logs", "any one of the logs is enough, where its name is the origin", both, [
        (yes, "", signed(LOG)),
        (no, "signed by the log of another origin only", signed(OTHER)),
        (yes, "", signed(OTHER, LOG)),
        (yes, "", signed(OTHER, text=checkpoint_text("log.example/2", 3))),
        (no, "the second log is known too, and its signature fails", signed(LOG, wrong(OTHER))),
    ]
    yield "no-log", "a policy may have no log; then no checkpoint is signed by one", "quorum none\n", [
        (no, "", signed(LOG))
    ]
    yield "one-witness", "", log + define(0) + "quorum w0\n", [
        (yes, "", signed(LOG, W[0])),
        (yes, "", signed(LOG, W[1], W[0])),
        (no, "", signed(LOG)),
        (no, "", signed(LOG, W[1])),
        (no, "the log is missing", signed(W[0])),
        (no, "", signed(LOG, wrong(W[0]))),
        (no, "one of two lines of a known witness fails", signed(LOG, W[0], wrong(W[0]))),
    ]
    yield "witness-not-needed", "known but not needed: it may be missing, it may not fail", log + define(
        0, 1
    ) + "quorum w0\n", [(yes, "", signed(LOG, W[0])), (no, "", signed(LOG, W[0], wrong(W[1])))]
    yield "two-of-three", "", log + define(0, 1, 2) + "group g 2 w0 w1 w2\nquorum g\n", [
        (yes, "", signed(LOG, W[0], W[2])),
        (yes, "", signed(LOG, W[0], W[1], W[2])),
        (no, "", signed(LOG, W[1])),
        (no, "one witness twice is one witness", signed(LOG, W[1], W[1])),
    ]
    yield "any-and-all", "", log + define(
        0, 1, 2, 3
    ) + "group x any w0 w1\ngroup y all w2 w3\ngroup z all x y\nquorum z\n", [
        (yes, "", signed(LOG, W[1], W[2], W[3])),
        (no, "", signed(LOG, W[0], W[1], W[2])),
        (no, "", signed(LOG, W[2], W[3])),
    ]
    spaced = "\n \t\n# c\n\t# c\n \tlog\t %s \t\n  quorum \t none\t\n" % LOG.vkey
    yield "layout", "tabs, spaces, comments, empty lines", spaced, [(yes, "", signed(LOG))]
    yield "names-of-keywords", "", log + "witness all %s\ngroup any 1 all\nquorum any\n" % W[0].vkey, [
        (yes, "", signed(LOG, W[0]))
    ]
    yield "names-are-octets", "not UTF-8", (log + "witness ~~ %s\nquorum ~~\n" % W[0].vkey).encode().replace(
        b"~~", b"\xff\xfe"
    ), [(yes, "", signed(LOG, W[0]))]
    yield "names-by-case", "", log + "witness K %s\nwitness k %s\nquorum k\n" % (W[0].vkey, W[1].vkey), [
        (yes, "", signed(LOG, W[1])),
        (no, "", signed(LOG, W[0])),
    ]
    twin = Key("witness 0", "twin.example", 4)
    bad = {
        "empty": "",
        "no-quorum": log,
        "two-quorums": log + "quorum none\nquorum none\n",
        "quorum-without-name": "quorum\n",
        "quorum-two-names": log + define(0, 1) + "quorum w0 w1\n",
        "quorum-undefined": log + "quorum w0\n",
        "quorum-before-definition": log + "quorum w0\n" + define(0),
        "last-line-open": log + "quorum none",
        "unknown-word": log + "quorum none\nurl x\n",
        "word-upper-case": log + "Quorum none\n",
        "comment-after-line": log + "quorum none # c\n",
        "crlf": "quorum none\r\n",
        "delete-character": "# \x7f\nquorum none\n",
        "vertical-tab": "quorum\x0bnone\n",
        "log-without-key": "log\nquorum none\n",
        "log-too-many-words": "log %s u v\nquorum none\n" % LOG.vkey,
        "log-key-of-a-witness": "log %s\nquorum none\n" % W[0].vkey,
        "witness-key-of-a-log": "witness w %s\nquorum none\n" % LOG.vkey,
        "log-twice": log + log + "quorum none\n",
        "log-twice-under-two-names": log + "log %s\nquorum none\n" % Key("log", "log.example/3").vkey,
        "witness-without-key": "witness w\nquorum none\n",
        "witness-named-none": "witness none %s\nquorum none\n" % W[0].vkey,
        "witness-name-twice": "witness w %s\nwitness w %s\nquorum w\n" % (W[0].vkey, W[1].vkey),
        "witness-key-twice": "witness v %s\nwitness w %s\nquorum w\n" % (W[0].vkey, W[0].vkey),
        "witness-key-twice-under-two-names": "witness v %s\nwitness w %s\nquorum w\n" % (W[0].vkey, twin.vkey),
        "group-named-like-a-witness": define(0, 1) + "group w0 any w1\nquorum w0\n",
        "group-empty": define(0) + "group g any\nquorum w0\n",
        "group-without-rule": define(0) + "group g w0\nquorum w0\n",
        "group-of-none": "group g any none\nquorum g\n",
        "group-of-itself": define(0) + "group g any g\nquorum g\n",
        "group-before-member": "group g any w0\n" + define(0) + "quorum g\n",
        "group-member-twice": define(0) + "group g any w0 w0\nquorum g\n",
        "member-of-two-groups": define(0) + "group g any w0\ngroup h any w0\nquorum g\n",
        "threshold-zero": define(0) + "group g 0 w0\nquorum g\n",
        "threshold-over-members": define(0) + "group g 2 w0\nquorum g\n",
        "threshold-leading-zero": define(0) + "group g 01 w0\nquorum g\n",
        "threshold-negative": define(0) + "group g -1 w0\nquorum g\n",
        "threshold-huge": define(0) + "group g 18446744073709551617 w0\nquorum g\n",
    }
    for name, text in bad.items():
        yield name, "", text, None


def policies_file():
    cases = []
    for name, why, text, notes_of in policies():
        case = dict(name=name, **({"why": why} if why else {}), **text_or_base64("policy", text))
        case["expect"] = "malformed" if notes_of is None else "good"
        if notes_of is not None:
            case["notes"] = [dict(expect=e, **({"why": w} if w else {}), note=n) for e, w, n in notes_of]
        cases.append(case)
    return {"policies": cases}
