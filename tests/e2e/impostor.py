#!/usr/bin/env python3
"""A TLS server at another's address. What a client sends it once the handshake is done goes to standard output.

usage: impostor.py ADDRESS:PORT CERT KEY [1.2]      with 1.2 it speaks TLS 1.2 only
"""
import os
import socket
import ssl
import sys


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__.split("\n\n")[1].strip())
    host, port = sys.argv[1].rsplit(":", 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    if sys.argv[4:] == ["1.2"]:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_server((host, int(port))) as listener:
        while True:
            connection, _ = listener.accept()
            connection.settimeout(5)
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    while data := tls.recv(65536):
                        os.write(1, data)
            except OSError as e:
                print("handshake or connection ended:", e, file=sys.stderr)


if __name__ == "__main__":
    main()
