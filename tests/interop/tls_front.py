#!/usr/bin/env python3
"""Ends TLS 1.3 with a key of ours before an HTTP server that has none, and passes the bytes on.

usage: tls_front.py ADDRESS:PORT CERT KEY TO-ADDRESS:PORT
"""
import socket
import ssl
import sys
import threading


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(raw, context, to):
    try:
        client = context.wrap_socket(raw, server_side=True)
        server = socket.create_connection(to)
    except OSError:
        return
    there = threading.Thread(target=pump, args=(client, server), daemon=True)
    there.start()
    pump(server, client)


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.load_cert_chain(sys.argv[2], sys.argv[3])
listener = socket.create_server(address(sys.argv[1]))
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection, context, address(sys.argv[4])), daemon=True).start()
