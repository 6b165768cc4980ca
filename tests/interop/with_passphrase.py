#!/usr/bin/env python3
"""Runs a command on a terminal of its own and types the passphrase each time that it asks for one.

usage: with_passphrase.py PASSPHRASE COMMAND...       exit: that of the command
"""
import os
import pty
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # EIO: the command has ended
        break
    if not piece:
        break
    said += piece
    if b"assphrase" in said and said.rstrip().endswith(b":"):
        os.write(terminal, sys.argv[1].encode() + b"\n")
        said = b""
    sys.stderr.buffer.write(piece)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
