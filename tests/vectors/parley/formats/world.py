"""The keys, the log and the helpers that the cases of all files share."""

from reference import Key, b64, leaf, root


def key(vkey, says, time=None):
    return {"vkey": vkey, "says": says, **({"time": time} if time is not None else {})}


def text_or_base64(name, value):
    """JSON holds no bytes that are not UTF-8, and some readers no NUL."""
    if isinstance(value, bytes):
        return {name + "_base64": b64(value)}
    return {name: value}


ENTRIES = [b"entry %d" % i for i in range(16)]
LEAVES = [leaf(e) for e in ENTRIES]


def checkpoint_text(origin, size, top=None):
    return "%s\n%d\n%s\n" % (origin, size, b64(root(LEAVES[:size]) if top is None else top))


LOG = Key("log", "log.example/1")
LOG2 = Key("log 2", "log.example/1")  # the same name, another key
OTHER = Key("other", "log.example/2")
W = [Key("witness %d" % i, "w%d.example" % i, 4) for i in range(6)]
TEXT = checkpoint_text("log.example/1", 11)
TIME = 1700000000


def signed(*signers, text=TEXT):
    lines = [k if isinstance(k, str) else k.line(text, TIME) for k in signers]
    return text + "\n" + "".join(lines)


def wrong(k):
    """A line of this key over something else."""
    return k.line("another text\n", TIME)


def define(*which):
    return "".join("witness w%d %s\n" % (i, W[i].vkey) for i in which)
