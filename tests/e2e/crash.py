#!/usr/bin/env python3
"""Kills two real parleyd under load, each at a chosen store or network step, starts them again, and checks what they promised.

usage: crash.py [--seed S] [--kills N] PARLEYD FORUM WORK HOME HOME

Both homes belong to one forum and no node runs. Each node is started with PARLEY_KILL_AT from the seed and ends itself with SIGKILL
at that step (a build with faults), until N kills are done. Officers on both sides send statements, some with a file, acknowledge
what arrives, and draw the receipt of whatever is delivered. Afterwards, with both nodes up and no crash any more:
every statement that was answered with 201 (or a draft that was accepted with 202) is held by both sides byte for byte and
delivered, files too; every receipt drawn on the way lies in WORK/receipts for `parley verify`, and has the same entry at the
same place of the log as one drawn at the end; no log has stopped signing. Exit 0, or 1 with a sentence for each breach.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

STEP_MOST = 160        # PARLEY_KILL_AT is at most this
PATIENCE_S = 8         # a node that does not come to its step for so long is killed from here
UNDELIVERED_MOST = 24  # then the officers of a node wait
SETTLE_S = 90          # for everything to be delivered in the end
GONE = (OSError, http.client.HTTPException)


class Local(http.client.HTTPConnection):
    """HTTP over the node's unix socket."""

    def __init__(self, path):
        super().__init__("node", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Node:
    def __init__(self, home, parleyd, seed, kills):
        self.home, self.parleyd, self.kills = home, parleyd, kills
        self.name = os.path.basename(home)
        self.points = self.choose(random.Random(f"{seed}/{self.name}"), kills)
        self.process = None
        self.at_step = self.from_here = 0
        self.accepted = {}  # id: what it is
        self.drafts = []    # accepted with 202
        self.delivered = set()
        self.receipts = {}  # id: (index, digest of the entry)

    @staticmethod
    def choose(numbers, kills):
        """A quarter early, where a node starts and asks; the rest anywhere under load."""
        return [numbers.randint(1, 12) if numbers.random() < 0.25 else numbers.randint(1, STEP_MOST) for _ in range(kills)]

    def ask(self, method, path, body=None):
        """(status, body); status 0 when the node went away before it had answered."""
        connection = Local(self.home + "/parleyd.sock")
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except GONE:
            return 0, b""
        finally:
            connection.close()

    def get(self, path):
        status, body = self.ask("GET", path)
        return json.loads(body) if status == 200 else None

    def start(self, kill_at=None):
        env = dict(os.environ)
        env.pop("PARLEY_KILL_AT", None)
        if kill_at:
            env["PARLEY_KILL_AT"] = str(kill_at)
        with open(self.home + ".log", "ab") as log:
            self.process = subprocess.Popen([self.parleyd, "--home", self.home], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)

    def undelivered(self):
        return len(self.accepted) + len(self.drafts) - len(self.delivered)


class Run:
    def __init__(self, options):
        self.forum, self.work = options.forum, options.work
        homes = (options.home, options.other)
        self.nodes = [Node(h, options.parleyd, options.seed, options.kills // 2 + i * (options.kills % 2)) for i, h in enumerate(homes)]
        self.breaches = []
        self.calm = threading.Event()  # no crash comes any more
        self.over = threading.Event()  # the officers go home
        self.lock = threading.Lock()
        os.makedirs(self.work + "/receipts", exist_ok=True)

    def breach(self, text):
        with self.lock:
            self.breaches.append(text)
        print("BREACH:", text, flush=True)

    # ---- crashes ----

    def crash(self, node):
        for point in node.points:
            if self.over.is_set():
                break
            node.start(point)
            try:
                status = node.process.wait(PATIENCE_S)
                node.at_step += 1
            except subprocess.TimeoutExpired:
                node.process.kill()
                status = node.process.wait()
                node.from_here += 1
            if status != -signal.SIGKILL:
                self.breach(f"{node.name} ended with status {status} instead of being killed at step {point}; see {node.home}.log")
                self.over.set()
                return
        node.start()

    # ---- officers ----

    def send(self, node, n):
        body = {"aware_at": "2021-05-07T10:00:00Z", "title": f"{node.name} {n}", "summary": "Under load"}
        request = {"kind": "incident.notice", "forum": self.forum, "precedence": "ROUTINE", "tlp": "green", "body": body}
        if n % 12 == 11:
            self.send_with_file(node, request, random.Random(n).randbytes(20000))
            return
        status, answer = node.ask("POST", "/v1/statements", json.dumps(request))
        if status == 201:
            node.accepted[json.loads(answer)["id"]] = "notice"
        elif status not in (0, 503):
            self.breach(f"{node.name} answers {status} to a statement: {answer[:200]}")

    def send_with_file(self, node, request, data):
        request["files"] = [{"name": "file.bin", "type": "application/octet-stream", "size": len(data),
                             "sha256": hashlib.sha256(data).hexdigest()}]
        status, answer = node.ask("POST", "/v1/statements", json.dumps(request))
        if status != 202:
            return
        draft = json.loads(answer)["draft"]
        if node.ask("PUT", f"/v1/drafts/{draft}/files/0", data)[0] == 204 and node.ask("POST", f"/v1/drafts/{draft}/send")[0] == 202:
            node.drafts.append(draft)

    def acknowledge(self, node):
        inbox = node.get("/v1/statements?box=inbox&limit=5") or {"statements": []}
        for row in inbox["statements"]:
            if row["kind"] == "incident.notice" and row["state"] == "received":
                status, answer = node.ask("POST", f"/v1/statements/{row['id']}/ack", json.dumps({"officer": "duty"}))
                if status == 201:
                    node.accepted[json.loads(answer)["id"]] = "ack"
                elif status not in (0, 409, 503):
                    self.breach(f"{node.name} answers {status} to an acknowledgement: {answer[:200]}")
                return

    def write(self, node):
        n = 0
        while not self.calm.is_set() and not self.over.is_set():
            if node.process is None or node.undelivered() > UNDELIVERED_MOST:
                time.sleep(0.02)
                continue
            self.send(node, n)
            if n % 5 == 4:
                self.acknowledge(node)
            n += 1
            time.sleep(0.01)

    # ---- receipts ----

    def draw(self, node, wanted):
        """(index, digest of the entry) of the statement's receipt, whose files go to WORK/receipts; None while there is none."""
        answer = node.get(f"/v1/statements/{wanted}/receipt")
        if answer is None:
            return None
        files = {name: base64.b64decode(text) for name, text in answer["files"].items()}
        folder = f"{self.work}/receipts/{wanted}"
        for name, data in files.items() if not os.path.exists(folder) else ():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "wb") as f:
                f.write(data)
        index = next(line for line in files["proof.tlog-proof"].split(b"\n") if line.startswith(b"index "))
        return index, hashlib.sha256(files["entry.json"]).hexdigest()

    def collect(self, node):
        """Draws the receipt of whatever is found delivered."""
        while not self.over.is_set():
            for row in (node.get("/v1/statements?box=sent&limit=60") or {"statements": []})["statements"]:
                if row["state"] in ("delivered", "read") and row["id"] not in node.delivered:
                    got = self.draw(node, row["id"])
                    if got:
                        node.receipts[row["id"]] = got
                        node.delivered.add(row["id"])
            time.sleep(0.03)

    # ---- the end ----

    def settle(self):
        """Waits until everything accepted is delivered on both sides."""
        end = time.monotonic() + SETTLE_S
        for node in self.nodes:
            for draft in node.drafts:
                self.until(end, f"{node.name}: the statement of draft {draft} was accepted with its files and is not sent", self.sent, node, draft)
            for wanted in list(node.accepted):
                self.until(end, f"{node.name}: {wanted} ({node.accepted[wanted]}) was accepted and is not delivered", self.is_delivered, node, wanted)

    def until(self, end, what, condition, *args):
        while not condition(*args):
            if time.monotonic() > end:
                self.breach(what)
                return
            time.sleep(0.05)

    def sent(self, node, draft):
        answer = node.get(f"/v1/drafts/{draft}")
        if answer and answer["state"] == "sent":
            node.accepted[answer["id"]] = "notice with a file"
            return True
        return False

    @staticmethod
    def is_delivered(node, wanted):
        answer = node.get(f"/v1/statements/{wanted}")
        if not answer or not answer["delivery"]:
            return False
        party = answer["delivery"][0]
        return "delivered" in party and ("files_total" not in party or "files_delivered" in party)

    def check(self):
        for node, other in (self.nodes, self.nodes[::-1]):
            for wanted in node.accepted:
                mine, theirs = node.ask("GET", f"/v1/statements/{wanted}/entry"), other.ask("GET", f"/v1/statements/{wanted}/entry")
                if mine[0] != 200:
                    self.breach(f"{node.name} does not hold {wanted} any more, which it accepted")
                elif mine != theirs:
                    self.breach(f"{other.name} does not hold {wanted} of {node.name}, which is called delivered")
            for wanted, before in node.receipts.items():
                now = self.draw(node, wanted)
                if now != before:
                    self.breach(f"{node.name}: the receipt of {wanted} was {before} and is now {now}")
            for log in node.get("/v1/status")["logs"]:
                if log["stopped"]:
                    self.breach(f"{node.name} has stopped signing {log['origin']}: {log['why']}")

    def run(self):
        crashers = [threading.Thread(target=self.crash, args=[n], daemon=True) for n in self.nodes]
        officers = [threading.Thread(target=f, args=[n], daemon=True) for n in self.nodes for f in (self.write, self.collect)]
        for t in crashers + officers:
            t.start()
        for t in crashers:
            t.join()
        self.calm.set()
        if not self.breaches:
            self.settle()
            time.sleep(0.2)
        self.over.set()
        for t in officers:
            t.join()
        if not self.breaches:
            self.check()

    def stop(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.terminate()
                try:
                    if node.process.wait(20) != 0:
                        self.breach(f"{node.name} ended with status {node.process.returncode} on SIGTERM; see {node.home}.log")
                except subprocess.TimeoutExpired:
                    node.process.kill()
                    self.breach(f"{node.name} did not end on SIGTERM")

    def report(self):
        for node in self.nodes:
            print(f"{node.name}: {node.at_step} times killed at its step, {node.from_here} times from here; {len(node.accepted)} statements accepted, "
                  f"{len(node.drafts)} of them with a file; {len(node.receipts)} receipts drawn on the way")


def main():
    p = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    p.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    p.add_argument("--kills", type=int, default=200)
    for name in ("parleyd", "forum", "work", "home", "other"):
        p.add_argument(name)
    options = p.parse_args()
    print(f"seed {options.seed} (tests/e2e/crash.sh --seed {options.seed} kills at the same steps)", flush=True)
    run = Run(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        run.run()
    finally:
        run.over.set()
        run.stop()
    run.report()
    sys.exit(1 if run.breaches else 0)


if __name__ == "__main__":
    main()
