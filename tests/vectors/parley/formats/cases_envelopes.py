"""envelopes.json."""

from reference import Key, b64, pae, sha256
from world import key, signed


def envelopes():
    a, b, c = Key("a"), Key("b"), Key("c")
    kind, payload = b"application/vnd.example+json", b'{"a":1}'
    key_id = lambda k: sha256(k.spki).hex()
    sign = lambda k, p=payload, t=kind: b64(k.private.sign(pae(t, p)))
    part = lambda i, s: '{"keyid":"%s","sig":"%s"}' % (i, s)
    whole = lambda parts, p=b64(payload), t=kind.decode(): '{"payload":"%s","payloadType":"%s","signatures":[%s]}' % (
        p,
        t,
        ",".join(parts),
    )
    by = lambda k: part(key_id(k), sign(k))
    says = lambda k, word: {"key": b64(k.public), "says": word}
    good = whole([by(a)])
    yield "one-signature", "", good, [says(a, "signed"), says(b, "absent")]
    yield "three-signatures", "", whole([by(a), by(b), by(c)]), [
        says(a, "signed"),
        says(b, "signed"),
        says(c, "signed"),
    ]
    yield "one-of-two-fails", "each signature stands for itself", whole([by(a), part(key_id(b), sign(b, b"x"))]), [
        says(a, "signed"),
        says(b, "fails"),
    ]
    yield "id-of-another", "a key id proves nothing", whole([part(key_id(b), sign(a))]), [
        says(a, "absent"),
        says(b, "fails"),
    ]
    yield "empty-payload", "", whole([part(key_id(a), sign(a, b""))], ""), [says(a, "signed")]
    yield "another-type", "the type is signed", whole([by(a)], t="application/vnd.other+json"), [says(a, "fails")]
    yield "another-payload", "", whole([by(a)], b64(b'{"a":2}')), [says(a, "fails")]
    yield "bare-payload-signed", "not the PAE", whole([part(key_id(a), b64(a.private.sign(payload)))]), [
        says(a, "fails")
    ]
    for name, why, text in [
        ("empty", "", ""),
        ("empty-object", "", "{}"),
        ("no-signature", "", whole([])),
        ("space", "only one form is read", good.replace(":", ": ", 1)),
        ("trailing-newline", "", good + "\n"),
        (
            "members-in-another-order",
            "",
            good.replace('"keyid"', '"sig"').replace('"sig":"%s"}' % sign(a), '"keyid":"%s"}' % sign(a)),
        ),
        ("unknown-member", "DSSE lets consumers ignore it; parley refuses it", good[:-1] + ',"x":1}'),
        ("no-key-id", "optional in DSSE; parley requires it", whole(['{"sig":"%s"}' % sign(a)])),
        ("empty-key-id", "", whole([part("", sign(a))])),
        ("key-id-upper-case", "", whole([part(key_id(a).upper(), sign(a))])),
        ("same-key-twice", "", whole([by(a), by(a)])),
        ("payload-unpadded", "", good.replace("=", "", 1)),
        (
            "payload-url-safe",
            "taken by DSSE; parley refuses it",
            whole([part(key_id(a), sign(a, b"\xfb\xff\xfe"))], "-__-"),
        ),
        ("payload-not-canonical", "", whole([by(a)], "e31=")),
        (
            "payload-escaped",
            "JSON escapes spell the same text otherwise",
            good.replace("a/b", "a\\/b").replace("application/", "application\\/"),
        ),
        ("signature-short", "", whole([part(key_id(a), b64(bytes(63)))])),
        ("type-empty", "", whole([by(a)], t="")),
        ("comma-at-end", "", good.replace("}]", "},]")),
    ]:
        yield name, why, text, None


def envelopes_file():
    return {
        "envelopes": [
            dict(
                name=name,
                **({"why": why} if why else {}),
                envelope=text,
                expect="refused" if keys is None else "parsed",
                keys=keys or []
            )
            for name, why, text, keys in envelopes()
        ]
    }
