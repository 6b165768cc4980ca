#!/usr/bin/env python3
"""A counterpart's node that answers badly. Each request's path goes to standard output.

usage: bad_mirror.py ADDRESS:PORT CERT KEY HOW

HOW  garbage   no HTTP at all
     nonsense  200 and a text that says nothing, to everything
     endless   200 and a body without an end, as fast as it is taken
     slow      200 and a body that comes at a byte in ten seconds
     bomb      200 and a gzip body that grows to a gigabyte
"""
import http.server
import random
import ssl
import sys
import time
import zlib

how = sys.argv[4]


class Bad(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def begin(self, *headers):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def answer(self):
        print(self.path, flush=True)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.close_connection = True
        if how == "garbage":
            self.wfile.write(random.Random(1).randbytes(5000))
        elif how == "nonsense":
            text = b"cert.us.example\n\n\xe2\x80\x94 nobody AAAA\n"
            self.begin(("Content-Length", str(len(text))))
            self.wfile.write(text)
        elif how == "endless":
            self.begin(("Connection", "close"))
            while True:
                self.wfile.write(b"cert.us.example/0\n" * 4096)
        elif how == "slow":
            self.begin(("Connection", "close"))
            while True:
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(10)
        elif how == "bomb":
            self.begin(("Content-Encoding", "gzip"), ("Connection", "close"))
            c = zlib.compressobj(wbits=31)
            for _ in range(1024):
                self.wfile.write(c.compress(bytes(1 << 20)))
            self.wfile.write(c.flush())

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


host, port = sys.argv[1].rsplit(":", 1)
server = http.server.ThreadingHTTPServer((host, int(port)), Bad)
server.daemon_threads = True
server.handle_error = lambda *args: None  # the client has hung up
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
