#!/usr/bin/env python3
"""An HTTP proxy for tests. It answers CONNECT; each request goes to standard output as "HOST:PORT WORD".

usage: proxy.py ADDRESS:PORT BEHAVIOUR [CERT KEY]      with CERT and KEY it is an https proxy

BEHAVIOUR  open           connects whom it is asked for
           auth:USER:PW   the same for whoever has that name and password, else 407
           forbid         403
           cannot         502
           silent         takes the request and says nothing
           garbage        answers something that is no HTTP
           lie            says 200 and then speaks TLS itself, with CERT and KEY (it is an http proxy then)
"""
import base64
import socket
import ssl
import sys
import threading


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for s in source, sink:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def read_head(client):
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        data = client.recv(65536)
        if not data:
            return None
        head += data
        if not head[:1].isalpha():
            return ["? ?"]  # TLS, where HTTP was meant
    return head.decode("latin-1").split("\r\n")


def answer(client, status, *headers):
    client.sendall("\r\n".join(["HTTP/1.1 " + status, *headers, "Content-Length: 0", "", ""]).encode())


def tell(target, word):
    print(target, word, flush=True)


def connect(client, target):
    host, port = target.rsplit(":", 1)
    try:
        server = socket.create_connection((host.strip("[]"), int(port)), timeout=10)
    except OSError:
        tell(target, "cannot")
        return answer(client, "502 Bad Gateway")
    server.settimeout(None)
    tell(target, "connected")
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


def authorized(lines, user_and_password):
    want = "basic " + base64.b64encode(user_and_password.encode()).decode()
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "proxy-authorization" and value.strip().lower() == want.lower():
            return True
    return False


def serve(client, behaviour, own_tls):
    lines = read_head(client)
    if lines is None:
        return
    method, target = lines[0].split(" ")[:2]
    if method == "?":
        return answer(client, "400 Bad Request")
    if method != "CONNECT":
        tell(target, "no-connect")
        return answer(client, "405 Method Not Allowed")
    kind, _, rest = behaviour.partition(":")
    if kind == "auth" and not authorized(lines, rest):
        tell(target, "407")
        answer(client, "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="test"')
        return serve(client, behaviour, own_tls)
    if kind in ("open", "auth"):
        return connect(client, target)
    tell(target, kind)
    if kind == "forbid":
        answer(client, "403 Forbidden")
    elif kind == "cannot":
        answer(client, "502 Bad Gateway")
    elif kind == "garbage":
        client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    elif kind == "silent":
        while client.recv(65536):
            pass
    elif kind == "lie":
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with own_tls.wrap_socket(client, server_side=True) as tls:
            while data := tls.recv(65536):
                tell(target, "HEARD %d bytes" % len(data))


def session(client, behaviour, tls, lying):
    try:
        with client:
            if tls and not lying:
                client = tls.wrap_socket(client, server_side=True)
            serve(client, behaviour, tls)
    except (OSError, ValueError) as e:
        print("connection ended:", e, file=sys.stderr, flush=True)


def main():
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__.split("\n\n")[1].strip())
    tls = None
    if len(sys.argv) == 5:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
    host, port = sys.argv[1].rsplit(":", 1)
    with socket.create_server((host, int(port))) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=session, args=(client, sys.argv[2], tls, sys.argv[2] == "lie"), daemon=True).start()


if __name__ == "__main__":
    main()
