"""Spoils one stored value in the store of a node at rest, and puts it back.

usage: audit_flip.py STORE spoil KIND PARTY SAVED    the row that is changed is kept in the file SAVED
       audit_flip.py STORE back SAVED
       audit_flip.py STORE delete KIND PARTY SAVED   the row is taken out instead
KIND: entry, bulk, tile, pending, cosignature, row, card, charter, size; PARTY: whose log it is.
"""
import pickle
import sqlite3
import sys


def log_number(db, party, bulk=False):
    for key, value in db.execute("SELECT k, v FROM logs"):
        origin = bytes(key).decode()
        if origin.startswith("log/%s/" % party) and origin.endswith("/bulk") == bulk:
            return int.from_bytes(value[1:5], "big")
    raise SystemExit("no log of " + party)


def of_log(table, number, last=False):
    rows = "SELECT '%s', 'pos', pos, v FROM %s WHERE pos >> 40 = %d ORDER BY pos %s LIMIT 1"
    return rows % (table, table, number, "DESC" if last else "")


def of_map(table, begins, holds=""):
    rows = "SELECT '%s', 'k', k, v FROM %s WHERE CAST(k AS TEXT) LIKE '%s%%' AND CAST(v AS TEXT) LIKE '%%%s%%' LIMIT 1"
    return rows % (table, table, begins, holds)


def find(db, kind, party):
    """The statement that finds the row, and which byte of it from the end is changed."""
    if kind == "entry":
        return of_log("entries", log_number(db, party), True), 40  # inside the signature
    if kind == "bulk":
        return of_log("entries", log_number(db, party, True)), 40
    if kind == "tile":
        return of_log("tiles", log_number(db, party)), 5
    if kind == "pending":
        return of_map("logs", "mirror/" + party), 40
    if kind == "cosignature":
        return of_map("peers", "c/%s/" % party), 40
    if kind == "row":
        return of_map("statements", "", '"from":"%s","kind":"incident.notice"' % party), None
    if kind == "charter":
        return "SELECT 'forums', 'k', k, v FROM forums LIMIT 1", 40
    if kind == "size":
        return of_map("logs", "log/" + party), 1
    raise SystemExit("unknown kind " + kind)


def changed(value, at):
    if at is None:  # a row that leads to another entry
        return bytes(value).replace(b'"index":', b'"index":1', 1)
    spoilt = bytearray(value)
    spoilt[-at] = ord("A") if spoilt[-at] != ord("A") else ord("B")
    return bytes(spoilt)


def main():
    store, what = sys.argv[1:3]
    db = sqlite3.connect(store)
    if what == "back":
        with open(sys.argv[3], "rb") as f:
            table, column, key, value = pickle.load(f)
        db.execute("INSERT OR REPLACE INTO %s (%s, v) VALUES (?, ?)" % (table, column), (key, value))
    else:
        kind, party, saved = sys.argv[3:6]
        statement, at = find(db, kind, party)
        row = db.execute(statement).fetchone()
        if not row:
            raise SystemExit("nothing of kind %s of %s" % (kind, party))
        table, column, key, value = row
        with open(saved, "wb") as f:
            pickle.dump(row, f)
        if what == "delete":
            db.execute("DELETE FROM %s WHERE %s = ?" % (table, column), (key,))
        else:
            db.execute("UPDATE %s SET v = ? WHERE %s = ?" % (table, column), (changed(value, at), key))
    db.commit()
    db.close()


main()
