#!/usr/bin/env python3
"""A TCP relay that closes idle connections, as firewalls do. Each connection is told on standard output: "open N", "idle N",
"cut N".

usage: relay.py ADDRESS:PORT TO-ADDRESS:PORT SECONDS HOW

SECONDS  idle for so long, a connection is ended
HOW      fin      both sides are closed
         reset    both sides are reset
         forget   nothing is said; the next bytes from either side are answered by a reset
"""
import select
import socket
import struct
import sys
import threading


def tell(word, number):
    print(word, number, flush=True)


def end(s, hard):
    if hard:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def relay(number, client, target, idle_s, how):
    tell("open", number)
    server = socket.create_connection(target)
    other = {client: server, server: client}
    while True:
        ready, _, _ = select.select(list(other), [], [], idle_s)
        if not ready:
            tell("idle", number)
            break
        for s in ready:
            data = s.recv(65536)
            if not data:
                end(client, False)
                end(server, False)
                return
            other[s].sendall(data)
    if how == "forget":
        select.select(list(other), [], [])
    for s in other:
        end(s, how != "fin")
    tell("cut", number)


def guarded(*args):
    try:
        relay(*args)
    except OSError as e:
        print("connection ended:", e, file=sys.stderr, flush=True)


def parse(where):
    host, port = where.rsplit(":", 1)
    return host, int(port)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__.split("\n\n")[1].strip())
    with socket.create_server(parse(sys.argv[1])) as listener:
        number = 0
        while True:
            client, _ = listener.accept()
            number += 1
            args = (number, client, parse(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
            threading.Thread(target=guarded, args=args, daemon=True).start()


if __name__ == "__main__":
    main()
