"""Values for members of cards, charters, statements, plaintexts, at and beyond what docs/protocol.md allows."""
import verify_pack as v

TIMES = ["2021-05-07T10:00:00Z", "2021-02-29T10:00:00Z", "2020-02-29T10:00:00Z", "2021-05-07T24:00:00Z",
         "2021-05-07T23:59:60Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
         "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2021-5-7T10:00:00Z", "2021-05-07T10:00:00z",
         "2021-05-07t10:00:00Z", "2021-05-07T10:00:00.0Z", "2021-05-07T10:00:00+00:00",
         "2021-13-01T00:00:00Z", "2021-00-01T00:00:00Z", "2021-04-31T00:00:00Z", "1900-02-29T00:00:00Z",
         "2021-05-06T10:00:00Z", "2021-05-08T10:00:00Z", "2021-05-08T10:00:01Z"]
PARTIES = ["cert.us.example", "ncc.ru.example", "ncsc.ch.example", "a.b", "a", "A.b", "a..b", ".a.b", "a.b.", "-a.b",
           "a-.b", "a.b-", "a-b.c", "a_b.c", "a.b" + "c" * 61, "a.b" + "c" * 62, "1.2", "a.b\n"]
LABELS = ["duty", "judicial", "x" * 32, "x" * 33, "", "-", "a-b", "A", "a b", "0", "дежурный"]
ROLES = ["duty officer", "a\u0085b", "\u009f", "\u00a0", "\ufeff", "x" * 48, "x" * 49, "", " ", "ж" * 24, "ж" * 25,
         "a\nb", "\t", "\x7f", "\u2028"]
LANGUAGES = ["en", "e1", "e--n", "ru", "EN", "en-US", "zh-Hant", "en-US-xx", "x" * 8, "x" * 9, "", "a", "e n",
             "en_US", "en-",
             "-en", "12", "é", "fr"]
SHARED = ["age1ay4nrh5stzw9fkx2ht7qe783hdmjdns68338a5lpwgnnkjm7f4qswht96j",
          "AGE1AY4NRH5STZW9FKX2HT7QE783HDMJDNS68338A5LPWGNNKJM7F4QSWHT96J", "age1", "age1qqqq"]
URLS = ["https://a", "https://", "http://a", "HTTPS://a", "https://a/", "https://a?b", "https://a#b", "https://a b",
        "https:// ", "https://é", "https://a\x7f", "https://a/~", "https://[::1]:8443",
        "https://" + "a" * 504, "https://" + "a" * 505, "https:///a", "https://u:p@a", "https://a//b", "https://a\"b",
        "https://a\\b", "https://:1", "https://a:99999", "https:a", "https://<>"]
KINDS = ["incident.notice", "ack", "reject", "notice.disclosed", "forum.held", "forum.charter", "forum.card",
         "forum.x", "forum", "x", "x.y", "X.y", "a..b", ".a", "a.", "a.b1", "a-b", "a_b", "1", "a.b.c.d",
         "x" * 48, "x" * 49, "forumx.y", "incident.update", "ack.x", ""]
NAMES = ["a.txt", ".", "..", "...", "a/b", "", " ", "a\nb", "a\x7fb", "a\u0085b", "\u200e", ".csv", "a.CSV", "a.age",
         "a.AGE", "a.tar.gz", "a.123456789", "a.12345678", "a.", "a.é", "x" * 255, "x" * 256, "ж" * 127, "ж" * 128,
         "a.b c", "\\", "a\\b.txt", "a:b", "é.é", "a\u0001.txt", "-a", "CON", "a.b\u2028"]
TYPES = ["text/csv", "a", "a/", "/a", "", "a/b/c", "a/b; c=d", "a/b;c=d", "A/B", "é/b", "a /b", "a/" + "b" * 200,
         "a/" + "b" * 125, "a/" + "b" * 126, "application/vnd.x+json", "*/*", "a/b\n", "a/\x7f", "a/b c",
         "x" * 127 + "/y", "a/(b)", "a/b,c", "a/b_c.d-e!#$&^", "a/b;", "a/b; c", "a/b;  c=d", "a/b ;c=d", "a/b;c d",
         "a/b;c=d/e", "a/b; c=\"x y\"", "a;b/c", "a/b;;", "a/b; é=f",
         "a/;c", "a/b;c=d;e=f", "a/b,c d", "a/@", "@/a", "a/b; ", "a/=", "a/b;\t", "a/\"b\"", "a/\\", "a/[b]",
         "a/<b>", "a:b/c", "a/b;c=d\x7f"]
SMART = {"name": PARTIES + NAMES, "from": PARTIES, "party": PARTIES, "not_before": TIMES, "not_after": TIMES,
         "issued": TIMES, "answer_by": TIMES, "label": LABELS, "desk": LABELS,
         "officer": ROLES, "lang": LANGUAGES, "recipient": SHARED, "submission": URLS, "monitoring": URLS,
         "kind": KINDS, "type": TYPES, "role": ["member", "chair", "observer", "relay", "suspended", "Member", ""],
         "adoption": ["consensus", "silence", "threshold", "majority"], "legal": ["political", "treaty", "exercise",
                 "x"], "status": ["actual", "exercise", "test", "drill"], "disclosure": ["consent", "free", "none"],
         "precedence": ["FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE", "flash"], "tlp": ["clear", "green", "amber",
                 "amber+strict", "red", "white"], "ground": ["unreadable", "sealing", "form", "language", "files",
                         "other"],
         "serial": [0, 1, 2, 3, 4, -1, 2**31, 2**32, 2**53 - 1, 2**53, 2**63, 2**64], "title": ROLES + ["x" * 256,
                 "x" * 257, "ж" * 128, "ж" * 129], "line": ROLES + ["\u2014 a/mirror AAAA"], "note": ROLES,
         "reasons": ["x", "", "x" * 2000, "x" * 2001, "ж" * 1000, "ж" * 1001, "\n", "\x01", " ", "\u2028"],
         "languages": LANGUAGES, "fields": ["cyber", "strategic-stability", "regional-conflict", "space"],
         "to": PARTIES, "link": ["sha256//" + "A" * 43 + "=", "sha256//" + "A" * 44, "sha1//AAAA",
                                 "sha256/" + "A" * 43 + "="]}
OPTIONAL = {"thread": "a" * 64, "re": ["b" * 64], "answer_by": "2021-05-08T10:00:00Z", "desk": "duty",
            "officer": "duty officer", "threshold": 1, "reasons": "reasons", "note": "note", "body": {}, "files": [],
            "heard": [{"party": "ncc.ru.example", "epoch": 0, "size": 1, "root": "A" * 43 + "="}],
            "held": [{"origin": "a/b/0", "size": 1, "root": "A" * 43 + "=", "line": "\u2014 a/mirror AAAA"}],
            "attach": [{"sha256": "c" * 64, "size": 4097, "first": 0, "count": 2}], "bulk": {"size": 2,
                    "root": "A" * 43 + "="}, "x": 1, "sealed": "AAAA", "body_sha256": "d" * 64}
NUMBERS = [0, 1, -1, 2, 59, 60, 64, 65, 192, 193, 194, 4096, 4097, 36500, 36501, 86400, 86401, 2592000, 2592001,
           2**31, 2**32, 2**40, 2**40 + 1, 2**53 - 1, 2**53, -2**53, 2**63 - 1, 2**63, 2**64, 10**30]

# Keys that are no key, of small order, or not in the usual encoding.
ODD_KEYS = [n.to_bytes(32, "little") for n in (0, 1, 2, v.P - 1, v.P, v.P + 1, v.P + 2, v.P + 3, v.Y8, v.P - v.Y8,
                                               2**255, 2**255 + 1, 2**255 - 1, 2**256 - 1, 2**255 + v.P - 1,
                                               2**255 + v.Y8, 2**255 + v.P + 1,
            325606250916557431795983626356110631294008115727848805560023387167927233504,
            39382357235489614581723060781553021112529911719440698176882885853963445705823)]
