#!/usr/bin/env python3
"""What a stranger makes the server hold and do by what it sends: the table of docs/limits.md.

    bench/strangers.py build/release/hangup

Starts a server for each row, sends the bytes on many connections, and reads from /proc what the
process holds and has used. Linux; needs openssl(1). CPU comes in ticks of 10 ms over all of them.
"""
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time

MANY = 200


class Server:
    def __init__(self, binary, folder, tls):
        config = {"log": {"level": "error"}, "databases": {}, "routes": {}}
        with open(folder + "/strangers.json", "w") as f:
            json.dump(config, f)
        command = [binary, "--port", "0", "--config", folder + "/strangers.json"]
        if tls:
            command += ["--tls-certificate", folder + "/c.pem", "--tls-key", folder + "/k.pem"]
        self.log = open(folder + "/log", "w+")
        self.process = subprocess.Popen(command, stderr=self.log, stdout=self.log)
        self.port = self.find_port()

    def find_port(self):
        """Of the one socket that the process listens on."""
        for _ in range(200):
            inodes = set()
            for fd in os.listdir(f"/proc/{self.process.pid}/fd"):
                with contextlib.suppress(OSError):
                    at = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{self.process.pid}/fd/{fd}"))
                    if at:
                        inodes.add(at.group(1))
            with open("/proc/net/tcp") as table:
                for line in table.readlines()[1:]:
                    field = line.split()
                    if field[3] == "0A" and field[9] in inodes:
                        return int(field[1].split(":")[1], 16)
            time.sleep(0.05)
        raise SystemExit("the server does not listen")

    def held(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("RssAnon")) * 1024

    def used(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            field = f.read().rsplit(")", 1)[1].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self):
        """Waits until it has had nothing to do for a while."""
        before = self.used()
        for _ in range(100):
            time.sleep(0.2)
            now = self.used()
            if now == before:
                return
            before = now

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def row(make, what, sent, bound, start, count=MANY):
    """`start` gives, for a server, what makes a connection that has sent its bytes."""
    server = make()
    try:
        for _ in range(3):  # what is made once
            sending(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")(server).close()
        server.settle()
        held, used = server.held(), server.used()
        all_of_them = [start(server) for _ in range(count)]
        server.settle()
        each = max(server.held() - held, 0) / count / 1024
        cpu = (server.used() - used) / count * 1000
        print(f"| {what} | {sent} | {each:.1f} KiB | {cpu:.2f} ms | {bound} |", flush=True)
        for c in all_of_them:
            c.close()
    finally:
        server.stop()


def sending(data):
    """All of it, or what the kernel takes within half a second."""
    def start(server):
        c = server.connect()
        c.settimeout(0.5)
        with contextlib.suppress(OSError):
            c.sendall(data)
        return c
    return start


def client_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def client_hello():
    out = ssl.MemoryBIO()
    made = client_context().wrap_bio(ssl.MemoryBIO(), out)
    with contextlib.suppress(ssl.SSLWantReadError):
        made.do_handshake()
    return out.read()


def byte_by_byte(data):
    def start(server):
        c = server.connect()
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            c.send(data[i:i + 1])
        return c
    return start


def plain(make):
    get = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
    long_head = get + b"X: " + b"y" * 8000 + b"\r\nX: " + b"y" * 7900
    waits = b"GET /query/sim?rows=30&row_ms=1000&stream=0 HTTP/1.1\r\nHost: x\r\n"
    row(make, "nothing", "0", "`idle_timeout_ms`, `max_connections`", sending(b""))
    row(make, "a head that is not whole", "16 KB", "`head_timeout_ms`, `max_head_bytes`",
        sending(long_head))
    row(make, "the same, a byte at a time", "16 KB", "the same", byte_by_byte(long_head), 10)
    row(make, "empty lines", "1 MB", "`idle_timeout_ms` in all", sending(b"\r\n" * 500_000), 20)
    row(make, "a request for nothing (404), kept", "39 B", "`idle_timeout_ms`",
        sending(get.replace(b"healthz", b"nothing") + b"\r\n"))
    row(make, "1,000 pipelined requests", "38 KB", "16 in a row, then the others",
        sending((get + b"\r\n") * 1000), 20)
    row(make, "a request that waits for a worker, or works", "80 B",
        "the pool's `workers` and `queue`, the route's `deadline_ms`", sending(waits + b"\r\n"))
    row(make, "more requests behind it", "2 MB", "`read_ahead_bytes`, `read_ahead_total_bytes`",
        sending(waits + b"\r\n" + (get + b"\r\n") * 55_000), 20)
    row(make, "a body behind it that nobody is given", "8 MB", "`max_body_bytes`; thrown away",
        sending(waits + b"Content-Length: 8000000\r\n\r\n" + b"x" * 8_000_000), 20)


def with_tls(make):
    hello = client_hello()
    context = client_context()

    def shaken(server):
        c = context.wrap_socket(server.connect(), server_hostname="localhost")
        c.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        c.recv(1000)
        return c

    def updates(count):
        def start(server):
            c = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}"],
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            with contextlib.suppress(BrokenPipeError):
                for _ in range(count):  # one for each line that it reads at once
                    c.stdin.write(b"k\n")
                    c.stdin.flush()
                    time.sleep(0.002)
            c.close = c.kill
            return c
        return start

    row(make, "TLS: nothing", "0", "`handshake_timeout_ms`", sending(b""))
    row(make, "TLS: a byte", "1 B", "`handshake_timeout_ms`", sending(hello[:1]))
    row(make, "TLS: half a ClientHello", f"{len(hello) // 2} B", "`handshake_timeout_ms`",
        sending(hello[:len(hello) // 2]))
    row(make, "TLS: a ClientHello, and no more", f"{len(hello)} B",
        "`handshake_timeout_ms`, `max_connections`", sending(hello))
    row(make, "TLS: a handshake and a request, kept", "0.7 KB", "`idle_timeout_ms`", shaken)
    row(make, "TLS: that, and 100 updates of keys", "3 KB", "`tls_work`: 128", updates(100), 5)
    row(make, "TLS: that, and 1,000 updates of keys", "27 KB", "`tls_work`: 128", updates(1000), 5)


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        print("| on one connection | bytes sent | bytes held | CPU | bound |")
        print("| --- | --- | --- | --- | --- |")
        plain(lambda: Server(binary, folder, tls=False))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout",
                        folder + "/k.pem", "-out", folder + "/c.pem"],
                       check=True, capture_output=True)
        with_tls(lambda: Server(binary, folder, tls=True))


main()
