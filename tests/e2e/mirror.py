#!/usr/bin/env python3
"""A C2SP mirror that keeps nothing, at another's address, to see what a client sends it. It takes each checkpoint, checks each
upload against the newest one, and answers 409 with next entry 0 and a ticket, with which the next must come. For each upload a
line goes to standard output: "upload START END gzip|plain SENT-BYTES PLAIN-BYTES TICKET|-", or "wrong" and what is.

usage: mirror.py ADDRESS:PORT CERT KEY
"""
import base64
import gzip
import hashlib
import http.server
import ssl
import sys

checkpoint = None  # size and root of the newest
tickets = 0


def root(entries):
    """RFC 6962 section 2.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + root(entries[:k]) + root(entries[k:])).digest()


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, n):
        if n > len(self.data):
            raise ValueError("the body is too short")
        out, self.data = self.data[:n], self.data[n:]
        return out

    def number(self, size):
        return int.from_bytes(self.take(size), "big")


def check_upload(body):
    """tlog-mirror, add-entries; the log has less than 256 entries. Returns start, end, ticket."""
    r = Reader(body)
    r.take(r.number(2))
    start, end = r.number(8), r.number(8)
    ticket = r.take(r.number(2)).decode()
    if end != checkpoint[0] or (tickets and start > 0):
        raise ValueError("[%d, %d) of a log of %d" % (start, end, checkpoint[0]))
    entries = [r.take(r.number(2)) for _ in range(end - start)]
    if r.number(1) != 0 or r.data:
        raise ValueError("something behind the only package")
    if start == 0 and root(entries) != checkpoint[1]:
        raise ValueError("other entries than those of the checkpoint")
    if ticket != ("ticket %d" % tickets if tickets else ""):
        raise ValueError('the ticket is "%s"' % ticket)
    return start, end, ticket


class Mirror(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", content_type="text/plain; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(404, b"nothing here\n")

    def do_POST(self):
        global checkpoint, tickets
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/add-checkpoint":
            note = sent.split(b"\n\n", 1)[1].split(b"\n")
            checkpoint = int(note[1]), base64.b64decode(note[2])
            self.answer(200)
        elif self.path == "/add-entries":
            encoding = self.headers["Content-Encoding"]
            body = gzip.decompress(sent) if encoding == "gzip" else sent
            try:
                if self.headers["Content-Type"] != "application/octet-stream" or encoding not in (None, "gzip"):
                    raise ValueError("its headers")
                start, end, ticket = check_upload(body)
            except ValueError as e:
                print("wrong:", e, flush=True)
                self.answer(400, b"wrong\n")
                return
            print("upload", start, end, encoding or "plain", len(sent), len(body), ticket or "-", flush=True)
            tickets += 1
            ticket = base64.b64encode(b"ticket %d" % tickets)
            self.answer(409, b"%d\n%d\n%s\n" % (end, 0, ticket), "text/x.tlog.mirror-info")
        else:
            self.answer(404, b"nothing here\n")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.split("\n\n")[1].strip())
    host, port = sys.argv[1].rsplit(":", 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server = http.server.ThreadingHTTPServer((host, int(port)), Mirror)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
