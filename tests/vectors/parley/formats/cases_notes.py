"""notes.json and checkpoints.json."""

import base64

from reference import DASH, Key, b64, root, sha256, signature_line
from world import LEAVES, TIME, W, key, text_or_base64


def vkeys():
    good = Key("vkey", "example.com/key")
    typed = b64(b"\1" + good.public)
    body = "+%s+%s" % (good.id.hex(), typed)
    id_of = lambda name, data: sha256(name.encode() + b"\n" + data)[:4].hex()
    odd = lambda name, data: "%s+%s+%s" % (name, id_of(name, data), b64(data))
    yield "specification", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", True
    yield "ed25519", good.vkey, True
    yield "cosignature", W[0].vkey, True
    yield "name-utf8", odd("\u00e9\u00df/\u4e2d", b"\1" + good.public), True
    yield "name-empty", odd("", b"\1" + good.public), False
    yield "name-space", odd("a b", b"\1" + good.public), False
    yield "name-no-break-space", odd("a\u00a0b", b"\1" + good.public), False
    yield "name-ideographic-space", odd("a\u3000b", b"\1" + good.public), False
    yield "name-line-separator", odd("a\u2028b", b"\1" + good.public), False
    yield "name-plus", odd("a+b", b"\1" + good.public), False
    yield "id-of-another-name", "example.com/kez" + body, False
    yield "id-upper-case", "%s+%s+%s" % (good.name, good.id.hex().upper(), typed), False
    yield "id-short", "%s+%s+%s" % (good.name, good.id.hex()[:7], typed), False
    yield "key-unpadded", good.vkey.rstrip("=")[:-1], False
    yield "key-short", odd(good.name, b"\1" + good.public[:31]), False
    yield "key-long", odd(good.name, b"\1" + good.public + b"\0"), False
    yield "key-without-type", odd(good.name, good.public), False
    yield "type-ecdsa", odd(good.name, b"\2" + good.public), False
    yield "type-ml-dsa", odd(good.name, b"\6" + good.public + bytes(1280)), False
    yield "small-order", odd(good.name, b"\1\1" + bytes(31)), False
    yield "small-order-not-canonical", odd(good.name, b"\1\xee" + b"\xff" * 30 + b"\x7f"), False
    yield "trailing-newline", good.vkey + "\n", False
    yield "two-parts", good.name + "+" + good.id.hex(), False


def notes():
    a, b, c = Key("a", "a.example"), Key("b", "b.example"), W[0]
    text = "This is a note.\n"
    one = text + "\n" + a.line(text)
    flipped = bytearray(a.raw(text))
    flipped[5] ^= 1
    bad = signature_line(a.name, a.id, bytes(flipped))
    signed, absent, fails = key(a.vkey, "signed"), key(a.vkey, "absent"), key(a.vkey, "fails")
    yield "one-signature", "", one, "parsed", [signed, key(b.vkey, "absent")]
    yield "two-signatures", "", text + "\n" + a.line(text) + b.line(text), "parsed", [signed, key(b.vkey, "signed")]
    yield "cosignature", "", text + "\n" + c.line(text, TIME), "parsed", [key(c.vkey, "signed", TIME)]
    yield (
        "earliest-cosignature",
        "several cosignatures of one key: the earliest time counts",
        text + "\n" + c.line(text, TIME + 5) + c.line(text, TIME) + c.line(text, TIME + 9),
        "parsed",
        [key(c.vkey, "signed", TIME)],
    )
    yield "one-bit-flipped", "a known key fails", text + "\n" + bad, "parsed", [fails]
    yield (
        "good-and-bad-line",
        "one failing line of a known key refuses the note, though another verifies",
        one + bad,
        "parsed",
        [fails],
    )
    yield (
        "unknown-key-fails",
        "a line of an unknown key is not looked at",
        one + signature_line("x.example", b"\0\0\0\1", bytes(64)),
        "parsed",
        [signed],
    )
    yield (
        "same-name-other-id",
        "name and id together make a key known",
        one + signature_line(a.name, b"\0\0\0\1", bytes(64)),
        "parsed",
        [signed],
    )
    yield "same-id-other-name", "", one + signature_line("b.example", a.id, bytes(64)), "parsed", [
        signed,
        key(b.vkey, "absent"),
    ]
    yield "long-unknown-signature", "as long as ML-DSA-44", one + signature_line(
        "pq.example", b"\0\0\0\2", bytes(2428)
    ), "parsed", [signed]
    yield "short-known-signature", "63 bytes", text + "\n" + signature_line(a.name, a.id, a.raw(text)[:63]), "parsed", [
        fails
    ]
    yield (
        "plain-signature-as-cosignature",
        "the cosigner's key over the bare text",
        text + "\n" + signature_line(c.name, c.id, TIME.to_bytes(8, "big") + c.private.sign(text.encode())),
        "parsed",
        [key(c.vkey, "fails")],
    )
    late = 2**63
    yield (
        "time-over-63-bits",
        "a timestamp is at most 2^63 - 1",
        text + "\n" + signature_line(c.name, c.id, c.raw(text, late)),
        "parsed",
        [key(c.vkey, "fails")],
    )
    yield "time-changed", "", text + "\n" + signature_line(
        c.name, c.id, (TIME + 1).to_bytes(8, "big") + c.raw(text, TIME)[8:]
    ), "parsed", [key(c.vkey, "fails")]
    inner = "a\n\nb\n\n" + a.line("x\n") + "\nc\n"
    yield (
        "empty-lines-in-text",
        "the last empty line ends the text; what looks like a signature before it is text",
        inner + "\n" + a.line(inner),
        "parsed",
        [signed],
    )
    yield "text-one-newline", "", "\n\n" + a.line("\n"), "parsed", [signed]
    sixteen = [Key("many %d" % i, "many.example") for i in range(16)]
    yield (
        "sixteen-signatures",
        "as many as every reader must take",
        text + "\n" + "".join(k.line(text) for k in sixteen),
        "parsed",
        [key(k.vkey, "signed") for k in sixteen],
    )
    unknown = signature_line("x", b"\0\0\0\1", bytes(64))
    yield "64-signatures", "parley's bound", one + unknown * 63, "parsed", [signed]
    yield "65-signatures", "beyond parley's bound", one + unknown * 64, "too large", []
    sig = one[len(text) + 1 :]
    for name, why, note in [
        ("empty", "", ""),
        ("no-signature", "", text + "\n"),
        ("no-empty-line", "", text + sig),
        ("last-line-open", "no final newline", one[:-1]),
        ("trailing-text", "", one + "more\n"),
        ("hyphen", "a hyphen is no em dash", one.replace("\u2014", "-")),
        ("en-dash", "", one.replace("\u2014", "\u2013")),
        ("two-spaces", "", one.replace("example ", "example  ")),
        ("trailing-space", "", one[:-1] + " \n"),
        ("unpadded", "", one.replace("=\n", "\n")),
        (
            "url-safe-base64",
            "",
            text
            + "\n"
            + DASH
            + "a.example "
            + base64.urlsafe_b64encode(a.id + b"\xfb\xff" + bytes(62)).decode()
            + "\n",
        ),
        ("base64-not-canonical", "unused bits are set; parley's choice", text + "\n" + DASH + "a.example AAAAAAB=\n"),
        ("id-alone", "no byte of a signature", text + "\n" + DASH + "a.example " + b64(a.id) + "\n"),
        ("name-with-plus", "", text + "\n" + signature_line("a+b", a.id, bytes(64))),
        ("name-with-thin-space", "", text + "\n" + signature_line("a\u2009b", a.id, bytes(64))),
        ("name-missing", "", text + "\n" + DASH + b64(a.id + bytes(64)) + "\n"),
        ("tab-in-text", "", "a\tb\n\n" + a.line("a\tb\n")),
        ("crlf", "", one.replace("\n", "\r\n")),
        ("nul-in-text", "", ("a\0b\n\n" + a.line("a\0b\n")).encode()),
        ("not-utf-8", "", b"\xff\n\n" + sig.encode()),
        ("surrogate", "", b"\xed\xa0\x80\n\n" + sig.encode()),
    ]:
        yield name, why, note, "malformed", []


def notes_file():
    cases = [
        dict(name=name, **({"why": why} if why else {}), **text_or_base64("note", note), expect=expect, keys=keys)
        for name, why, note, expect, keys in notes()
    ]
    return {
        "vkeys": [{"name": n, "vkey": v, "expect": "good" if ok else "refused"} for n, v, ok in vkeys()],
        "notes": cases,
    }


def checkpoints():
    top = b64(root(LEAVES[:5]))
    yield "small", "", "log.example/1\n5\n%s\n" % top, True
    yield "empty-tree", "", "log.example/1\n0\n%s\n" % b64(sha256(b"")), True
    yield "largest", "2^63 - 1", "log.example/1\n9223372036854775807\n%s\n" % top, True
    yield "origin-any-text", "an origin need not look like a URL", "any origin + at all, \u4e2d\n5\n%s\n" % top, True
    yield "origin-empty", "", "\n5\n%s\n" % top, False
    yield "two-lines", "", "log.example/1\n5\n", False
    yield "last-line-open", "", "log.example/1\n5\n" + top, False
    yield "size-leading-zero", "", "log.example/1\n05\n%s\n" % top, False
    yield "size-plus", "", "log.example/1\n+5\n%s\n" % top, False
    yield "size-negative", "", "log.example/1\n-5\n%s\n" % top, False
    yield "size-hexadecimal", "", "log.example/1\n0x5\n%s\n" % top, False
    yield "size-empty", "", "log.example/1\n\n%s\n" % top, False
    yield "size-space", "", "log.example/1\n5 \n%s\n" % top, False
    yield "size-over-63-bits", "", "log.example/1\n9223372036854775808\n%s\n" % top, False
    yield "size-huge", "", "log.example/1\n99999999999999999999\n%s\n" % top, False
    yield "root-short", "31 bytes", "log.example/1\n5\n%s\n" % b64(bytes(31)), False
    yield "root-long", "33 bytes", "log.example/1\n5\n%s\n" % b64(bytes(33)), False
    yield "root-unpadded", "", "log.example/1\n5\n%s\n" % top.rstrip("="), False
    yield "root-not-canonical", "", "log.example/1\n5\n%sB=\n" % ("A" * 42), False
    yield "root-empty", "", "log.example/1\n5\n\n", False
    yield "crlf", "", "log.example/1\r\n5\r\n%s\r\n" % top, False
    yield "extension-line", "tlog-checkpoint allows it; parley does not", "log.example/1\n5\n%s\nextra\n" % top, False
    yield "extension-line-empty", "not allowed by tlog-checkpoint either", "log.example/1\n5\n%s\n\n" % top, False
    yield "not-utf-8", "", b"\xff\n5\n" + top.encode() + b"\n", False


def checkpoints_file():
    cases = []
    for name, why, text, ok in checkpoints():
        case = dict(
            name=name,
            **({"why": why} if why else {}),
            **text_or_base64("text", text),
            expect="good" if ok else "malformed"
        )
        if ok:
            origin, size, top, _ = text.split("\n")
            case.update(origin=origin, size=int(size), root=top)
        cases.append(case)
    return {"checkpoints": cases}
