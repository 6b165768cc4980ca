"""Alterations of evidence packs, each chosen by a random number generator: of the bytes and files of a pack as it is,
and of the values in it, signed anew by its parties (forge_pack.py).
"""
import base64
import json
import re

import forge_pack
import verify_pack as v
from odd_values import NUMBERS, ODD_KEYS, OPTIONAL, SMART

# ---- bytes and files ----

BASE64 = re.compile(rb"[A-Za-z0-9+/]{20,}={0,2}")


def flip(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1:]


def cut(rng, data):
    at = rng.randrange(len(data))
    return rng.choice([data[:at], data[at:], data[:at] + data[at + rng.randrange(1, 9):], data[:-1], b""])


def insert(rng, data):
    at = rng.choice([0, len(data), rng.randrange(len(data) + 1)])
    return data[:at] + rng.choice([b" ", b"\n", b"\r", b"\0", b"\t", b"=", b"\xef\xbb\xbf", b"\\u0041",
                                   b"{}"]) + data[at:]


def lines(rng, data):
    parts = data.split(b"\n")
    a, b = rng.randrange(len(parts)), rng.randrange(len(parts))
    how = rng.randrange(4)
    if how == 0:
        parts[a], parts[b] = parts[b], parts[a]
    elif how == 1:
        parts.insert(a, parts[b])
    elif how == 2:
        del parts[a]
    else:
        parts[a] += rng.choice([b" ", b"\r", b"\t"])
    return b"\n".join(parts)


def recode(rng, data):
    """A base64 text written in another way, or of other bytes."""
    found = list(BASE64.finditer(data))
    if not found:
        return flip(rng, data)
    m = rng.choice(found)
    old = m[0]
    bare = old.rstrip(b"=")
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    loose = bare[:-1] + bytes([last[last.index(bare[-1]) ^ 1]])
    inner = flip(rng, base64.b64decode(bare + b"=" * (-len(bare) % 4))) if len(bare) % 4 != 1 else b""
    new = rng.choice([bare, loose + old[len(bare):], old + b"=", old.replace(b"+", b"-").replace(b"/", b"_"),
                      old[:20] + b"\n" + old[20:],
                      base64.b64encode(inner), old + b"A", b""])
    return data[:m.start()] + new + data[m.end():]


def respell(rng, data):
    """The envelope, or what else is JSON, written in another way."""
    try:
        value = json.loads(data)
        parts = list(value.items())
    except (ValueError, AttributeError):
        return recode(rng, data)
    rng.shuffle(parts)
    return rng.choice([
        json.dumps(value).encode(), json.dumps(dict(parts), separators=(",", ":")).encode(), data + b"\n",
        b" " + data,
        data.replace(b"/", b"\\/"), data.replace(b"a", b"\\u0061", 1), data[:-1] + b',"x":1}',
        data[:-1] + b',"payload":""}',
        re.sub(rb'"keyid":("[^"]*"),"sig":("[^"]*")', rb'"sig":\2,"keyid":\1', data), data.replace(b"},{", b"}, {"),
        re.sub(rb'"signatures":\[(\{[^}]*\})', rb'"signatures":[\1,\1', data), re.sub(rb'"signatures":\[\{[^}]*\},?',
                b'"signatures":[', data),
        re.sub(rb'("keyid":"[^"]*)"', lambda m: m[1].upper() + b'"', data)])


def alter_bytes(rng, files, others):
    """One file altered, or put elsewhere, or taken from another pack."""
    files, name = dict(files), rng.choice(sorted(files))
    how = rng.randrange(14)
    if how < 9:
        ways = [flip, flip, cut, insert, lines, lines, recode, respell, respell]
        files[name] = ways[how](rng, files[name] or b"x")
        return files, f"{ways[how].__name__} {name}"
    other = rng.choice(others)
    if how == 9:
        del files[name]
        return files, f"without {name}"
    if how == 10:
        name = rng.choice(sorted(other))
        files[name] = other[name]
        return files, f"{name} of another pack"
    if how == 11:
        where = rng.choice(["", "cards/", "ack/", "reject/", "files/", "bulk/", "x/"])
        leaf = rng.choice(["charter.1.json", "charter.00.json", "charter.9.json", "x", "0", "0.csv", "1.age", "range",
                           "consistency", "body.json", "entry.json",
                           "checkpoint", "a.b.json", "VERIFY.md", "cert.us.example.0.json", "ncc.ru.example.1.json",
                           "charter.0.json"])
        files[where + leaf] = rng.choice([b"", b"x\n", files[name]])
        return files, f"{where}{leaf} added"
    if how == 12:
        new = rng.choice([name.upper(), name + ".json", name.replace(".json", ".0.json"), name.replace(".0.json",
                ".json"), "ack/" + name, name.split("/")[-1],
                          name.replace("ack", "reject"), name.replace("reject", "ack"), name.replace(".csv", "")])
        files[new] = files.pop(name)
        return files, f"{name} renamed to {new}"
    folder = rng.choice(["ack/", "reject/", "bulk/", "files/", "cards/"])
    return {n: d for n, d in files.items() if not n.startswith(folder)}, f"without {folder}"


# ---- values, signed anew ----


def nodes(value, name=""):
    """Every value in this one: its holder, its place in it and the name of the member."""
    for place in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        here = place if isinstance(place, str) else name
        yield value, place, here
        yield from nodes(value[place], here)


def other_text(rng, old, pack):
    size = rng.choice([1, 8, 9, 32, 33, 48, 49, 64, 65, 255, 256, 257, 512, 513, 2000, 2001])
    same = [h[p] for d in pack.documents() for h, p, _ in nodes(d.value) if isinstance(h[p],
            str) and len(h[p]) == len(old)]
    return rng.choice([old + "x", old[:-1], old[1:], old.upper(), "", " " + old, old + "\n", old + "\0",
                       old + "\ufffe", old + "\ufdd0", old + "\U0001ffff", "\ud800" + old, old + "\U0001f600",
                       old * 2,
                       "x" * size, "\u0436" * (size // 2), rng.choice(same or [""]), rng.choice(same or [""]),
                       old.replace("a", "b", 1), old[:-1] + chr(ord(old[-1:] or "a") ^ 1)])


def other_number(rng, old):
    return rng.choice([old + 1, old - 1, old + 1, old - 1, 2 * old, -old, float(old), str(old), True, None,
                       rng.choice(NUMBERS), rng.choice(NUMBERS)])


def other_list(rng, old, name):
    new = list(old)
    if not new:
        return rng.choice([["x"], ["a" * 64], [{}], [1], {}, None])
    a, b = rng.randrange(len(new)), rng.randrange(len(new))
    how = rng.randrange(8)
    if how == 0:
        del new[a]
    elif how == 1:
        new.insert(a, new[b])
    elif how == 2:
        new[a], new[b] = new[b], new[a]
    elif how == 3:
        new = []
    elif how == 4:
        new = (new * 200)[:rng.choice([2, 3, 4, 5, 8, 9, 15, 16, 17, 64, 65, 193, 194])]
    elif how == 5 and isinstance(new[0], str):
        new += rng.sample(SMART.get(name, ["x", "b" * 64, "c" * 64]), rng.randrange(1, 3))
    elif how == 6 and isinstance(new[0], str):
        new += [f"{n:064x}" for n in range(rng.choice([1, 14, 15, 16]))]
    else:
        new.reverse()
    return new


def other_object(rng, old):
    parts = list(old.items())
    how = rng.randrange(7)
    if how == 0 and parts:
        del parts[rng.randrange(len(parts))]
    elif how == 1 and parts:
        parts.insert(rng.randrange(len(parts)), parts.pop(rng.randrange(len(parts))))
    elif how == 2 and parts:
        a = rng.randrange(len(parts))
        parts[a] = (parts[a][0], rng.choice([None, {}, [], "", 0, "x", False]))
    elif how == 3:
        return rng.choice([{}, [], None, "x", {f"k{n}": "a" * 64 for n in range(rng.choice([64, 65]))},
                           {"": "a" * 64}, {"A b": "a" * 64}, {"incident.notice": "a" * 64}])
    else:
        name = rng.choice(sorted(OPTIONAL))
        parts.insert(rng.randrange(len(parts) + 1), (name, OPTIONAL[name]))
    return dict(parts)


STATEMENT = [name.rstrip("?") for name in v.STATEMENT]


def give_optional(rng, s):
    """A member that the statement lacks, at its place."""
    name = rng.choice([n for n in OPTIONAL if n in STATEMENT])
    new = dict(s)
    if rng.random() < 0.3 or name in new:
        new.pop(name, None)
    else:
        new[name] = OPTIONAL[name]
    return dict(sorted(new.items(), key=lambda part: STATEMENT.index(part[0]) if part[0] in STATEMENT else 99))


def deep(levels):
    return json.loads('{"a":' * levels + "{}" + "}" * levels)


def alter_value(rng, pack, document):
    found = list(nodes(document.value))
    if document.kind == "statement" and rng.random() < 0.15:
        document.value = give_optional(rng, document.value)
        return "a member given or taken"
    if not found or rng.random() < 0.08:
        document.value = other_object(rng, document.value)
        return "the whole object"
    names = sorted({name for _, _, name in found})
    name = rng.choice(names)
    holder, place, _ = rng.choice([f for f in found if f[2] == name])
    old = holder[place]
    if name in SMART and not isinstance(old, (list, dict)) and rng.random() < 0.7:
        new = rng.choice(SMART[name])
    elif name == "body" and rng.random() < 0.3:
        new = deep(rng.choice([28, 29, 30, 31, 32]))
    elif isinstance(old, str):
        new = other_text(rng, old, pack)
    elif isinstance(old, bool) or old is None:
        new = 1
    elif isinstance(old, int):
        new = other_number(rng, old)
    elif isinstance(old, list):
        new = other_list(rng, old, name)
    else:
        new = other_object(rng, old)
    holder[place] = new
    return f"{name}: {str(old)[:70]!r} now {str(new)[:70]!r}"


def alter_spelling(rng, document):
    """The same JSON written in another way, or nearly the same."""
    text = forge_pack.text_of(document.value)
    strings, numbers = list(re.finditer(rb'"[^"\\]+"', text)), list(re.finditer(rb'(?<=[:\[,])[0-9]+', text))
    if not strings:
        document.value = text + b"\n"
        return "spelt otherwise"
    a, number = rng.choice(strings), rng.choice(numbers) if numbers else None
    at = a.start() + 1
    tricks = [
        json.dumps(document.value).encode(), json.dumps(document.value, indent=1).encode(), text + b"\n",
        b"\n\t\r " + text, b"\x0b" + text, b"\xef\xbb\xbf" + text, text + b"{}", text + b"\0",
        text[:at] + b"\\u%04x" % text[at] + text[at + 1:], text[:at] + b"\\u%04X" % text[at] + text[at + 1:],
        text.replace(b"/", b"\\/", 1), text[:at] + b"\\n" + text[at:], text[:at] + b"\\u000a" + text[at:],
        text[:at] + b"\\u001f" + text[at:], text[:at] + b"\\u001F" + text[at:], text[:at] + b"\\u0000" + text[at:],
        text[:at] + b"\n" + text[at:], text[:at] + b"\x7f" + text[at:], text[:at] + b"\\u007f" + text[at:],
        text[:at] + b"\\ud83d\\ude00" + text[at:], text[:at] + b"\\ud83d" + text[at:],
        text[:at] + b"\\ude00\\ud83d" + text[at:], text[:at] + b"\\uffff" + text[at:],
        text[:at] + b"\\ud83f\\udffe" + text[at:],
        text[:at] + b"\xff" + text[at:], text[:at] + b"\xc0\xaf" + text[at:], text[:at] + b"\xed\xa0\x80" + text[at:],
        text[:at] + b"\xf4\x90\x80\x80" + text[at:], text[:at] + b"\xef\xbf\xbe" + text[at:],
        text[:at] + b"\\x41" + text[at:], text[:at] + b"\\b\\f" + text[at:], text[:-1] + b"," + text[1:],
        text[:-1] + b",}", text.replace(b",", b",,", 1), text.replace(b'"', b"'"), b"[" + text + b"]",
        text[:at] + "é€𝄞".encode() + text[at:], text[:at] + b"\\u00e9" + text[at:], b"", b"{}", b"null",
        text.replace(b":", b" : "), text.replace(b"{", b"{ /**/")]
    if number:
        n = number[0]
        tricks += [text[:number.start()] + new + text[number.end():] for new in (
            b"-0", n + b".0", n + b"e0", b"0" + n, b"-" + n, b"+" + n, n + b"0" * 20, b"NaN", b"Infinity", b"0x1",
            b"1E400", b"9007199254740991", b"9007199254740992", b"-9007199254740992")]
    document.value = rng.choice(tricks)
    return "spelt otherwise"


def alter_signers(rng, pack, document):
    keys = [key for card in pack.cards.values() for key in (card.statement, card.rotation)]
    keys.append(forge_pack.key_for(b"stranger"))
    how = rng.randrange(6)
    at = rng.randrange(len(document.signers)) if document.signers else 0
    if how == 0:
        del document.signers[at:at + 1], document.signatures[at:at + 1]
    elif how < 4:
        for _ in range(rng.choice([1, 1, 2, 20])):
            document.signers.insert(at if how == 1 else len(document.signers), rng.choice(keys) if how != 3 else None)
            document.signatures.insert(at if how == 1 else len(document.signatures), (f"{rng.randrange(2**256):064x}",
                    base64.b64encode(bytes(rng.choice([64, 64, 64, 0, 1, 63, 65, 3000]))).decode()))
    elif how == 4:
        b = rng.randrange(len(document.signers))
        document.signers[at], document.signers[b] = document.signers[b], document.signers[at]
    else:
        document.signers[at] = rng.choice(keys)
    return "signed by others"


def alter_proof(rng, pack):
    d = rng.choice(pack.deliveries)
    notes = [d.note, pack.bulk or d.note]
    if d.further or pack.more_bulk:
        notes += [*(note for _, _, note in d.further.values()), *pack.more_bulk.values()]
    note = rng.choice(notes)
    how = rng.randrange(9)
    if how == 0:
        d.index = rng.choice([d.index + 1, d.index - 1, 0, d.index ^ 1, note.size - 1, note.size, 2**62, 2**64])
    elif how == 1:
        note.size = rng.choice([note.size + 1, note.size - 1, note.size * 2, 1, 0, 2**53, 2**63 - 1, 2**63, 2**64])
    elif how == 2:
        d.path = rng.choice([d.path[:-1], d.path + [bytes(32)], d.path[1:], [], d.path * 10, d.path + [bytes(31)]])
    elif how == 3:
        at = rng.randrange(len(note.signatures))
        card, time = note.signatures[at]
        note.signatures[at] = (card, time if time is None else rng.choice([0, 1, time + 1, 2**63 - 1, 2**63,
                2**64 - 1]))
    elif how == 4:
        a, b = rng.randrange(len(note.signatures)), rng.randrange(len(note.signatures))
        note.signatures[a], note.signatures[b] = note.signatures[b], note.signatures[a]
    elif how == 5:
        at = rng.randrange(len(note.signatures))
        rng.choice([lambda: note.signatures.pop(at), lambda: note.signatures.insert(at, note.signatures[at])])()
    elif how < 8:
        at = rng.randrange(len(note.signatures))
        card, time = note.signatures[at]
        cards = [c for c in pack.cards.values() if how == 6 or c.card.name == card.card.name]
        note.signatures[at] = (rng.choice(cards), time)
    else:
        note.origin = rng.choice([note.origin.replace("/0", "/1"), note.origin.replace("/0", "/00"),
                                  note.origin.replace("/0", "/18446744073709551615"), note.origin.replace("/0",
                                          "/9007199254740992"), note.origin.replace("/0", ""),
                                  note.origin + "/bulk", note.origin.replace("/bulk", ""), note.origin + " ",
                                  note.origin.replace("cert.us", "ncc.ru")])
    return f"{d.folder}proof, way {how}"


def alter_plain(rng, pack):
    """What was sealed: the statement seals it anew."""
    found = [d for d in pack.deliveries if isinstance(d.plain, dict)]
    if not found:
        return alter_proof(rng, pack)
    d = rng.choice(found)
    document = type("Plain", (), {"kind": "plain", "value": d.plain})()
    what = alter_spelling(rng, document) if rng.random() < 0.4 else alter_value(rng, pack, document)
    d.plain = document.value
    return f"plaintext, {what}"


def alter_cards(rng, pack):
    """Other cards in the pack than those that it needs."""
    name = rng.choice(sorted(pack.cards))
    card = pack.cards[name]
    how = rng.randrange(4)
    if how == 0:
        del pack.cards[name]
        pack.files.pop(name)
        return f"{name} is gone"
    if how == 1:
        card.value["serial"] += rng.choice([1, 2, 10])
        return f"{name}: another serial"
    if how == 2:
        if len(card.signers) == 3 and rng.random() < 0.7:
            card.value["serial"] += 1
            card.signers.append(forge_pack.key_for(b"stranger"))
            card.signatures.append(None)
            return f"{name}: a run that starts later"
        card.signers[-1] = rng.choice([c.rotation for c in pack.cards.values()])
        return f"{name}: another last signature"
    other = rng.choice(sorted(pack.cards))
    mine, keys = card.value["keys"], pack.cards[other].value["keys"]
    member = rng.choice(["seal", "seal", "link", "link", "rotation"])
    if member == "rotation":
        mine["rotation"] = rng.choice([keys["rotation"], keys["statement"], *map(odd_pem, ODD_KEYS)])
    elif member == "link":
        mine["link"] = [rng.choice(keys["link"] + ["sha256//" + base64.b64encode(v.sha256(v.SPKI,
                forge_pack.raw(pack.cards[other].statement))).decode()])]
    else:
        odd = [odd_recipient(key) for key in ODD_KEYS + [forge_pack.raw(pack.cards[other].log)]]
        rng.choice(mine["seal"])["recipient"] = rng.choice([rng.choice(keys["seal"])["recipient"]] + odd)
    return f"{name}: {member} of {other}, or an odd one"


def odd_pem(key):
    return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(v.SPKI + key).decode()}\n-----END PUBLIC KEY-----\n"


def odd_recipient(key):
    bits = int.from_bytes(key, "big") << 4
    digits = [bits >> 5 * n & 31 for n in reversed(range(52))]
    check = 1
    for value in [3, 3, 3, 0, 1, 7, 5, *digits, 0, 0, 0, 0, 0, 0]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1
    digits += [check >> 5 * n & 31 for n in reversed(range(6))]
    return "age1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[d] for d in digits)


def alter_signed(rng, files):
    """A pack altered by its own parties: its files, fingerprints, and what was done."""
    pack, done = forge_pack.Pack(files), []
    for _ in range(rng.choice([1, 1, 1, 1, 2])):
        how = rng.randrange(20)
        document = rng.choice(pack.documents())
        if isinstance(document.value, bytes):
            continue
        if how < 10:
            done.append(f"{document.kind}: {alter_value(rng, pack, document)}")
        elif how < 12:
            done.append(f"{document.kind}: {alter_spelling(rng, document)}")
        elif how < 13:
            done.append(f"{document.kind}: {alter_signers(rng, pack, document)}")
        elif how < 15:
            done.append(alter_proof(rng, pack))
        elif how < 18:
            done.append(alter_plain(rng, pack))
        elif all(isinstance(c.value, dict) and isinstance(c.value.get("serial"),
                                                          int) and isinstance(c.value.get("keys"),
                                                                  dict) for c in pack.cards.values()):
            done.append(alter_cards(rng, pack))
    new, given = pack.write()
    return new, given, "; ".join(done)
