#!/usr/bin/env python3
"""A TCP relay that closes idle connections, as firewalls do, or takes all at once and passes it on slowly, as boxes before thin
lines do. Each connection is told on standard output: "open N", "idle N", "cut N" (by the relay), "closed N" (by a side, before it
was idle), and for a thin line "held N BYTES": the most that it held at a time.

usage: relay.py ADDRESS:PORT TO-ADDRESS:PORT SECONDS HOW
       relay.py ADDRESS:PORT TO-ADDRESS:PORT RATE thin

SECONDS  idle for so long, a connection is ended
HOW      fin      both sides are closed
         reset    both sides are reset
         forget   nothing is said; the next bytes from either side are answered by a reset
RATE     bytes a second that leave it towards TO-ADDRESS
"""
import queue
import select
import socket
import struct
import sys
import threading
import time


telling = threading.Lock()


def tell(word, number):
    with telling:  # two connections at the same moment are two lines
        print(word, number, flush=True)


def end(s, hard):
    if hard:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def relay(number, client, target, idle_s, how):
    tell("open", number)
    try:
        server = socket.create_connection(target)
        other = {client: server, server: client}
        while ready := select.select(list(other), [], [], idle_s)[0]:
            for s in ready:
                data = s.recv(65536)
                if not data:
                    end(client, False)
                    end(server, False)
                    tell("closed", number)
                    return
                other[s].sendall(data)
    except OSError:
        tell("closed", number)
        raise
    tell("idle", number)
    if how == "forget":
        select.select(list(other), [], [])
    for s in other:
        end(s, how != "fin")
    tell("cut", number)


def thin(number, client, target, rate, _):
    """All that comes is taken at once; only the way to the target is thin."""
    tell("open", number)
    server = socket.create_connection(target)
    pieces, sizes = queue.Queue(), {"in": 0, "out": 0, "most": 0}

    def pass_on():
        while data := pieces.get():
            for at in range(0, len(data), rate // 4):
                time.sleep(0.25)
                server.sendall(data[at : at + rate // 4])
                sizes["out"] += len(data[at : at + rate // 4])
        server.shutdown(socket.SHUT_WR)

    def pass_back():
        while data := server.recv(65536):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    for way in pass_on, pass_back:
        threading.Thread(target=quietly, args=(way,), daemon=True).start()
    while data := client.recv(65536):
        sizes["in"] += len(data)
        pieces.put(data)
        if sizes["in"] - sizes["out"] > sizes["most"]:
            sizes["most"] = sizes["in"] - sizes["out"]
            tell("held", f"{number} {sizes['most']}")
    pieces.put(b"")


def quietly(way):
    try:
        way()
    except OSError as e:
        print("connection ended:", e, file=sys.stderr, flush=True)


def guarded(*args):
    try:
        (thin if args[4] == "thin" else relay)(*args)
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
            args = (number, client, parse(sys.argv[2]), (int if sys.argv[4] == "thin" else float)(sys.argv[3]), sys.argv[4])
            threading.Thread(target=guarded, args=args, daemon=True).start()


if __name__ == "__main__":
    main()
