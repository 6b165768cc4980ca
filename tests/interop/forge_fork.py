"""Proofs of two histories made anew under keys of one's own (forge_pack.py): two trees of random sizes, and one thing odd in
them before they are signed, so that no signature tells, only the rules of docs/protocol.md do.
"""
import forge_pack as forge
import verify_pack as v


def tree(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else v.sha256()
    half = v.split(len(leaves))
    return v.node(tree(leaves[:half]), tree(leaves[half:]))


def consistency(old, leaves, whole=True):
    """RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [tree(leaves)]
    half = v.split(len(leaves))
    if old <= half:
        return consistency(old, leaves[:half], whole) + [tree(leaves[half:])]
    return consistency(old - half, leaves[half:], False) + [tree(leaves[:half])]


ORIGINS = ["{p}/{f}/0", "{p}/{f}/0/bulk", "{p}/{f}/7", "{p}/{f}/00", "{p}/{f}/9223372036854775807",
           "{p}/{f}/9223372036854775808", "{p}/{f}", "{p}/{f}/0/", "{p}/{f}/0/bulk/", "a.example/{f}/0", "A.example/{f}/0",
           "{p}/{g}/0", "{p}/{f}/-1", "{p} /{f}/0", "{p}/{f}/0+x"]
TIMES = [0, 1, 1620381607, 2**63 - 1, 2**63, 2**64 - 1]


def number(rng, size):
    return rng.choice([f"{size}"] * 12 + [f"0{size}", f"+{size}", f"{size} ", "", "9223372036854775807", "9223372036854775808"])


def base64_of(rng, data):
    text = forge.encode(data)
    odd = [text[:-1], text + "=", text[:-2] + chr(ord(text[-2]) ^ 1) + "=", text + "\r", forge.encode(data + b"x"), ""]
    return rng.choice([text] * 14 + odd)


def note(rng, card, origin, size, root, roles):
    body = f"{origin}\n{number(rng, size)}\n{base64_of(rng, root)}\n".encode()
    if rng.randrange(40) == 0:
        body += b"an extension\n"
    lines = []
    for role in roles:
        if role == "log":
            name, key, kind, stamp, message = origin, card.log, 1, b"", body
        else:
            stamp = rng.choice(TIMES[:4] * 6 + TIMES).to_bytes(8, "big")
            name, key, kind = card.value["name"] + "/mirror", card.mirror, 4
            message = b"cosignature/v1\ntime %d\n%b" % (int.from_bytes(stamp, "big"), body)
        data = v.key_id(name, kind, forge.raw(key)) + stamp + key.sign(message)
        lines.append(f"\u2014 {name} {forge.encode(data)}\n")
        if rng.randrange(25) == 0:  # the key's name, and not its signature
            lines.append(f"\u2014 {name} {forge.encode(data[:-1] + bytes([data[-1] ^ 1]))}\n")
        if rng.randrange(25) == 0:
            lines.append(lines[-1])
    strange = ["\u2014 x.example AAAAAAA=\n", "\u2014 x.example AAAAAA==\n", "\u2014 x y AAAAAAA=\n", "- x AAAAAAA=\n", "\n",
               "\u2014 x.example AAAAAAB=\n", f"\u2014 {card.value['name']}/mirror AAAAAAA=\n"]
    if rng.randrange(6) == 0:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(strange))
    if rng.randrange(30) == 0:
        lines += ["\u2014 x.example AAAAAAA=\n"] * rng.choice([62, 63, 64])
    return body + b"\n" + "".join(lines).encode()


def forged(rng, files):
    """Files, fingerprints and a word about it; `files` has the one card that is taken."""
    (path, data), = ((n, d) for n, d in files.items() if n.startswith("cards/"))
    card = forge.Card(data)
    new, party = {path: card.write()}, card.value["name"]
    m, n = sorted((rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17]), rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31])))
    one, common = [rng.randbytes(32) for _ in range(m)], rng.randrange(m + 1)
    two = one[:common] + [rng.randbytes(32) for _ in range(n - common)]
    at = {"p": party, "f": "ab" * 32, "g": "cd" * 31}
    origin = rng.choice(ORIGINS[:3] * 10 + ORIGINS).format(**at)
    other = origin if rng.randrange(15) else rng.choice(ORIGINS).format(**at)
    roles = rng.choice([["log"], ["log"], ["mirror"], ["log", "mirror"], ["mirror", "log"]])
    first, second = tree(one), tree(two)
    if rng.randrange(10) == 0:
        first = tree(two[:m])
    if m == 0 and rng.randrange(2):
        first = rng.randbytes(32)
    new["first.checkpoint"] = note(rng, card, origin, m, first, roles if rng.randrange(10) else roles[:1])
    new["second.checkpoint"] = note(rng, card, other, n, second, roles if rng.randrange(10) else roles[-1:])
    path = [tree(two[:m]), *(consistency(m, two) if m else [])]
    how = rng.randrange(20)
    if how == 0:
        path.append(rng.randbytes(32))
    elif how == 1:
        path.pop()
    elif how == 2:
        path[0] = first
    elif how == 3 and len(path) > 2:
        path[1], path[2] = path[2], path[1]
    if (m < n) != (how == 4):
        new["consistency"] = "".join(base64_of(rng, h) + "\n" for h in path).encode()
    return new, [(party, card.new)], f"forged {m} {n} {roles} {how}"
