"""What sessions are run with: a shell on a terminal, servers, a PostgreSQL cluster. All that is
started here, and what that starts, is ended by end_all()."""

import ctypes
import fcntl
import functools
import glob
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """From now on what a dead child has started becomes a child of this process, so that it can be
    found and ended."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _parents():
    """pid -> (its parent, its session) of all processes."""
    all_of_them = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue  # it is over
        all_of_them[int(path.split("/")[2])] = (int(fields[1]), int(fields[3]))
    return all_of_them


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


_starting = threading.Lock()


def start(command, **how):
    """subprocess.Popen, until end_all()."""
    with _starting:
        return subprocess.Popen(command, **how)


def end_all():
    """Kills every descendant of this process and waits until there is none. From now on no thread
    starts another."""
    _starting.acquire()
    while True:
        parents = _parents()
        ours = {os.getpid()}
        grown = True
        while grown:
            more = {pid for pid, (parent, _) in parents.items() if parent in ours} - ours
            grown = bool(more)
            ours |= more
        ours.discard(os.getpid())
        if not ours:
            return
        for pid in ours:
            _signal(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, 0)[0]:
                pass
        except ChildProcessError:
            pass


_given = set()
_giving = threading.Lock()


def free_port():
    """A port that nobody listens on, outside of the range from which clients get theirs."""
    with _giving:
        while True:
            port = random.randint(20000, 32000)
            if port in _given:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            _given.add(port)
            return port


class Shell:
    """A bash that runs one command after the other, its output a terminal."""

    def __init__(self, directory, environment):
        self._terminal, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        commands, self._commands = os.pipe()
        loop = (f"while IFS= read -r -d '' -u {commands} command_; do eval \"$command_\" {commands}<&-; "
                "printf '\\036%s\\036' \"$?\"; done")
        self._process = start(
            ["bash", "-c", loop], cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=slave,
            stderr=slave, pass_fds=[commands], start_new_session=True)
        os.close(slave)
        os.close(commands)
        self.is_alive = True

    def run(self, command, seconds):
        """The lines that the command prints; and whether it has ended in time. If it has not, the
        shell is killed with all that it has started."""
        os.write(self._commands, command.encode() + b"\0")
        printed = b""
        until = time.monotonic() + seconds
        while not (end := re.search(rb"\x1e(\d+)\x1e", printed)):
            if not select.select([self._terminal], [], [], max(0, until - time.monotonic()))[0]:
                self.end()
                return _lines(printed), False
            try:
                piece = os.read(self._terminal, 65536)
            except OSError:  # the shell has gone: `exit`
                self.end()
                return _lines(printed), True
            printed += piece
        return _lines(printed[:end.start()]), True

    def end(self):
        """Kills the shell and what it has started. May be called again."""
        if not self.is_alive:
            return
        self.is_alive = False
        for pid, (_, session) in _parents().items():
            if session == self._process.pid:
                _signal(pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)
        os.close(self._commands)


def _lines(printed):
    """What a terminal shows: without escape sequences, of overwritten text the last."""
    text = printed.decode("utf-8", "replace").replace("\r\n", "\n")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


class Server:
    """The program, running; its log is read as it comes."""

    def __init__(self, command, directory, environment):
        self.lines = []
        self.heard = 0  # lines that log blocks have used up
        self._more = threading.Condition()
        self._is_over = False
        self._process = start(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with self._process.stdout as log:
            for line in log:
                with self._more:
                    self.lines.append(line.decode("utf-8", "replace").rstrip("\n").rpartition("\r")[2])
                    self._more.notify_all()
        with self._more:
            self._is_over = True
            self._more.notify_all()

    def wait_for(self, found, seconds):
        """Calls found() now and with each further line until it is true; False if it is not in
        this time, or the program has ended."""
        with self._more:
            self._more.wait_for(lambda: found() or self._is_over, seconds)
            return bool(found())

    def comes_up(self, seconds):
        return self.wait_for(lambda: self.first_with("listens on") is not None, seconds)

    def first_with(self, text):
        return next((i for i, line in enumerate(self.lines) if text in line), None)

    def end(self):
        """Asks it to stop, once more for at once, and kills it if it does not."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                pass
        self._process.wait()
        self._reader.join(5)


class Cluster:
    """A fresh PostgreSQL cluster on 127.0.0.1, where it asks for passwords. By its socket, in the
    folder `socket`, it trusts everybody."""

    def __init__(self, directory, port):
        binaries = postgres_binaries()
        as_root = os.geteuid() == 0
        how = {"user": "postgres", "group": "postgres", "extra_groups": []} if as_root else {}
        os.mkdir(directory)
        self.socket = directory
        if as_root:
            shutil.chown(directory, "postgres", "postgres")
        data = os.path.join(directory, "data")
        made = start([f"{binaries}/initdb", "-D", data, "-U", "postgres", "--auth-local=trust",
                      "--auth-host=scram-sha-256", "-N", "-E", "UTF8", "--locale=C.UTF-8"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", **how)
        said = made.communicate()[0]
        if made.returncode != 0:
            raise OSError("initdb has failed: " + said.decode("utf-8", "replace"))
        self._process = start(
            [f"{binaries}/postgres", "-D", data, "-p", str(port), "-k", directory, "-c", "fsync=off",
             "-c", "listen_addresses=127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
            start_new_session=True, **how)
        said = b""
        for line in self._process.stderr:
            said += line
            if b"ready to accept connections" in line:
                break
        else:
            raise OSError("PostgreSQL does not start: " + said.decode("utf-8", "replace"))
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def end(self):
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()


def postgres_binaries():
    """The folder with initdb, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
    on_path = shutil.which("initdb")
    return os.path.dirname(found[-1] if found else on_path) if found or on_path else None


@functools.lru_cache
def is_there(what):
    """Is there what a session needs?"""
    if what == "root":
        return os.geteuid() == 0
    if what == "postgres":
        return postgres_binaries() is not None
    if what == "docker":
        return shutil.which("docker") is not None and subprocess.run(
            ["docker", "compose", "version"], capture_output=True).returncode == 0 and subprocess.run(
            ["docker", "version"], capture_output=True).returncode == 0
    return shutil.which(what, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None
