"""Measures the servers of examples/llm side by side and prints the table: called by scripts/bench-llm."""
import argparse, collections, json, os, re, socket, statistics, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
from machine import others, warn

given = argparse.ArgumentParser()
given.add_argument("--quick", action="store_true")
given.add_argument("--server", action="append", metavar="NAME=PROGRAM", required=True)
given = given.parse_args()
servers = dict(s.split("=", 1) for s in given.server)

slots, pool = 4, 8  # as llama.cpp: four threads more than slots
patience = 20 if given.quick else 180  # seconds
SOON = 3  # seconds: what hosted must do sooner, however busy the machine is


class Server:
    """One of the programs, in a process of its own while the with-block lasts. Keeps what it logs, with the time."""

    def __init__(self, name, threads=pool, **flags):
        flags = {"port": 0, "slots": slots, "threads": threads, **flags}
        command = [servers[name], *(word for k, v in flags.items() for word in (f"--{k}", str(v)))]
        self.lines, self.changed, self.read_to = [], threading.Condition(), 0
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append((time.monotonic(), line.rstrip()))
                self.changed.notify_all()
        with self.changed:
            self.lines.append((time.monotonic(), None))
            self.changed.notify_all()

    def __enter__(self):
        try:
            self.port = int(self.await_lines("listening on ", 1)[0][1].split(":")[-1])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def so_far(self, pattern):
        return [(at, line) for at, line in self.lines if line is not None and re.search(pattern, line)]

    def await_lines(self, pattern, count, limit=patience):
        """The lines that match, once there are so many; all there are when the time is over or the program has ended."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.so_far(pattern)) >= count or self.lines and self.lines[-1][1] is None, limit)
            return self.so_far(pattern)

    def connect(self):
        for _ in range(50):
            try:
                return socket.create_connection(("127.0.0.1", self.port), patience)
            except (ConnectionRefusedError, ConnectionResetError):
                time.sleep(0.02)
        raise SystemExit("bench-llm: the server takes no connection")

    def ask(self, tokens, stream=False, seed=0, client=None):
        """A client that has asked, and has not read yet."""
        body = json.dumps({"prompt": "A client that waits", "n_predict": tokens, "stream": stream, "seed": seed})
        client = client or self.connect()
        client.sendall(f"POST /completion HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return client

    def health(self, keep=None, limit=patience):
        """What /health says; None if it does not answer for so long."""
        client = keep or self.connect()
        client.settimeout(limit)
        head = "GET /health HTTP/1.1\r\nHost: x\r\n" + ("" if keep else "Connection: close\r\n")
        try:
            client.sendall((head + "\r\n").encode())
            said = b""
            while b"}" not in said:
                more = client.recv(65536)
                if not more:
                    return None
                said += more
            return json.loads(said.split(b"\r\n\r\n", 1)[1])
        except (TimeoutError, ConnectionError):
            return None
        finally:
            if not keep:
                client.close()

    def time_health(self, limit=patience):
        with self.connect() as client:  # not counted: that takes a second where the backlog is short and full
            start = time.monotonic()
            said = self.health(keep=client, limit=limit)
            return time.monotonic() - start if said else None

    def await_health(self, holds):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            said = self.health()
            if said and holds(said):
                return
            time.sleep(0.01)
        raise SystemExit("bench-llm: the requests did not begin")

    def status(self, key):
        return int(re.search(rf"^{key}:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read(), re.M)[1])


def answered(client, limit):
    """Waits for the end of an answer with a length; False if it does not come."""
    client.settimeout(limit)
    said = b""
    try:
        while b"tokens_predicted" not in said:
            more = client.recv(65536)
            if not more:
                return False
            said += more
    except (TimeoutError, ConnectionError):
        return False
    return True


def slots_for_nobody(name):
    """Four clients ask for long texts and leave: for how long are the slots busy?"""
    with Server(name) as s:
        clients = [s.ask(100 if given.quick else 1000, seed=i) for i in range(slots)]
        s.await_health(lambda h: h["slots_processing"] == slots)
        left = time.monotonic()
        for c in clients:
            c.close()
        ends = s.await_lines(r"^job \d+: slot", slots)
        return sum(at - left for at, _ in ends) if len(ends) == slots else None


def health_while_streaming(name, idle):
    """All slots stream; and some have looked at the page and keep their connections open."""
    with Server(name) as s:
        streams = [s.ask(100_000, stream=True, seed=i) for i in range(slots)]
        for c in streams:
            c.recv(1)
        kept = [s.connect() for _ in range(idle)]
        for c in kept:
            s.health(keep=c)
        worst = s.time_health()  # the first comes while the connections are idle
        for _ in range(2 if given.quick else 20):
            again = s.time_health()
            worst = None if again is None or worst is None else max(worst, again)
        for c in streams + kept:
            c.close()
        return worst


def health_while_queued(name):
    """All slots stream, and as many as there are threads wait for a slot."""
    with Server(name) as s:
        clients = [s.ask(100_000, stream=True, seed=i) for i in range(slots)]
        for c in clients:
            c.recv(1)
        clients += [s.ask(100_000) for _ in range(pool)]
        time.sleep(0.3)  # until they are where they wait: nothing tells that from outside
        took = s.time_health(limit=2 if given.quick else 30)
        for c in clients:
            c.close()
        return took


def crowd(name):
    """A thousand clients wait for a slot, and /health is to answer: the threads that takes, and the memory."""
    count = 100 if given.quick else 1000
    threads = pool if name.startswith("hosted") else count + pool
    with Server(name, threads=threads) as s:
        before = s.status("VmRSS")
        clients = [s.ask(100_000) for _ in range(count)]
        took = s.time_health()
        if took is None:
            return None
        s.await_health(lambda h: h["slots_processing"] == slots)
        got = {"threads": s.status("Threads"), "mib": (s.status("VmRSS") - before) / 1024, "health": took}
        for c in clients:
            c.close()
        return got


def queue_of_the_gone(name):
    """A hundred have asked and have left; one comes who stays: when is it answered?"""
    gone, tokens = (20, 20) if given.quick else (100, 50)
    with Server(name) as s:
        clients = [s.ask(tokens, seed=i) for i in range(gone)]
        s.await_lines(r"^job \d+: slot", slots)  # the first have been answered: the others stand in line
        stays = s.connect()
        for c in clients:
            c.close()
        start = time.monotonic()
        s.ask(tokens, seed=gone, client=stays)
        if not answered(stays, patience):
            return None
        took = time.monotonic() - start
        return {"took": took, "begun": len(s.so_far("begins in slot")) - 1, "gone": gone}


def idle_connections(name):
    """16 connections have had an answer and are idle, on 16 threads: when is the next one answered?"""
    with Server(name, threads=16) as s:
        kept = [s.connect() for _ in range(16)]
        for c in kept:
            s.health(keep=c)
        took = s.time_health()
        for c in kept:
            c.close()
        return took


def seconds(x):
    if x is None:
        return "no answer"
    return f"{x * 1000:.0f} ms" if x < 0.9995 else f"{x:.1f} s"


rows, began = [], time.monotonic()
failed = []


def row(what, run, shown=seconds, soon=lambda got: got):
    got = {name: run(name) for name in servers}
    rows.append([what, *(shown(g) if g is not None else "no answer" for g in got.values())])
    for name, g in got.items():
        if name.startswith("hosted") and (g is None or soon(g) is None or soon(g) > SOON):
            failed.append(f"{name}: {what}: {g}")
    print(f"  {time.monotonic() - began:5.1f} s: {what}: {', '.join(rows[-1][1:])}", file=sys.stderr, flush=True)


look = others()
row("slot time for nobody, 4 clients left", slots_for_nobody, soon=lambda s: s / slots)
row("`/health`, all slots stream", lambda n: health_while_streaming(n, 0))
row("`/health`, all slots stream, 4 idle connections", lambda n: health_while_streaming(n, pool - slots))
row("`/health`, all slots stream, 8 wait for a slot", health_while_queued)
row("1,000 wait for a slot, `/health` answers" if not given.quick else "100 wait for a slot, `/health` answers", crowd,
    lambda g: f"{g['threads']} threads, {g['mib']:.0f} MiB, {seconds(g['health'])}", lambda g: g["health"])
row("100 have left: the next is answered after" if not given.quick else "20 have left: the next is answered after",
    queue_of_the_gone, lambda g: f"{seconds(g['took'])}, {g['begun']} of {g['gone']} texts begun", lambda g: g["took"])
row("16 idle connections on 16 threads: next `/health`", idle_connections)
share = look.share()

rows.insert(0, ["", *servers])
widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
for i, r in enumerate(rows):
    print("| " + " | ".join(cell.ljust(w) for cell, w in zip(r, widths)) + " |")
    if i == 0:
        print("| " + " | ".join("-" * w for w in widths) + " |")
warn(share) if not given.quick else None
if failed:
    sys.exit("bench-llm: too late or not at all:\n  " + "\n  ".join(failed))
