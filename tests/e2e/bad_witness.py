"""Witnesses that answer badly, each on a port of its own: bad_witness.py ADDRESS PORT CERT KEY. Serves until it is ended."""
import http.server, ssl, sys, threading

address, port, cert, key = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


class Bad(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.note("GET")
        self.answer(200, b"")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.note("POST")
        getattr(self, self.server.mode)()

    def note(self, method):
        print(self.server.mode, method, self.path, flush=True)

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def garbage(self):
        self.answer(200, bytes(range(256)) * 4)

    def endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for _ in range(1 << 14):  # a GiB, if anybody reads it
            self.wfile.write(b"\xe2\x80\x94 stranger.example AAAA\n" * 2520)

    def heads(self):
        self.answer(200, b"", **{f"X-{n}": "x" * 8000 for n in range(20)})

    def redirect(self):
        self.answer(307, b"", Location=f"http://{address}:{port}/elsewhere")

    def hangup(self):
        self.close_connection = True

    def nonsense(self):
        self.answer(409, b"18446744073709551616\n")

    def unknown(self):
        self.answer(404, b"who are you?\n")

    tls = unknown

    def log_message(self, *_):
        pass


def serve(n, mode):
    server = http.server.ThreadingHTTPServer((address, port + n), Bad)
    server.mode, server.daemon_threads = mode, True
    if mode == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


for n, mode in enumerate(["garbage", "endless", "heads", "redirect", "hangup", "nonsense", "unknown", "tls"]):
    serve(n, mode)
print("ready", flush=True)
threading.Event().wait()
