"""Runs the sessions of a page, from its first block to its last, in one shell and with the servers
that its comments describe."""

import json
import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass, field

from pages import PageError, commands_of
from processes import Cluster, Server, Shell, free_port, is_there, start
from wildcards import difference, in_order, is_any_lines, matches, renewed

START_SECONDS = 120  # a first start makes the sample database
LOG_SECONDS = 10
AGAIN_SECONDS = 5
COMMAND_SECONDS = 30

# Asks a page that shows what the server has done, and changes nothing. A hang-up is heard a moment
# after the client has gone: such a command is run again until it prints what is shown.
ASKS_AGAIN = re.compile(r"\s*curl (?!.*-X)[^|;&]*/(metrics|requests|jobs|readyz)\b")

# Files that a session makes in build/: not the builds and the samples, which are there.
OWN_FILES = re.compile(r"(?:(?<![\w./-])|\$PWD/)build/(?!(?:release|dev|asan|tsan|corpus|sample\.db)\b)")

# Further ports of sessions that need it: those of the shipped files.
PORTS_OF = {"postgres": [5432], "docker": [8080, 8081, 9090]}
PROJECT = "hangup-check-docs"  # the containers', which the pages see as "hangup"


@dataclass
class Described:
    """A server as the comments of a page describe it."""

    flags: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    config: dict | None = None
    port: int = 8080


@dataclass
class Result:
    run: int = 0
    skipped: list = field(default_factory=list)  # (line, what is missing)
    not_run: list = field(default_factory=list)  # (line, reason)
    failures: list = field(default_factory=list)  # (line, [lines])
    updates: list = field(default_factory=list)  # (line, lines that are shown there, those to show instead)


def merged(over, base):
    """JSON over JSON: objects are merged, all else is replaced."""
    if not (isinstance(over, dict) and isinstance(base, dict)):
        return over
    return {**base, **{key: merged(value, base.get(key)) for key, value in over.items()}}


def port_in(flags, environment, config):
    port = (config or {}).get("listen", {}).get("port", 8080)
    port = environment.get("HANGUP_LISTEN__PORT", environment.get("HANGUP_PORT", port))
    for i, flag in enumerate(flags):
        if flag == "--port" and i + 1 < len(flags):
            port = flags[i + 1]
        elif flag.startswith("--port="):
            port = flag.partition("=")[2]
    return int(port)


def started_by(command):
    """The flags and the environment of `HANGUP_X=y scripts/run --flag`."""
    words = shlex.split(command.text.replace("\\\n", " "))
    environment = {}
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        key, _, value = words.pop(0).partition("=")
        environment[key] = value
    if not words or os.path.basename(words[0]) not in ("run", "hangup"):
        raise PageError(command.line, "check: start: the command is neither scripts/run nor hangup")
    return words[1:], environment


class Sessions:
    """The sessions of one page. `scratch` is a folder of its own, which stands for /tmp."""

    def __init__(self, page, root, binary, scratch, skip=()):
        self._page = page
        self._root = root
        self._binary = binary
        self._scratch = scratch
        self._skip = skip
        self._described = {}
        self._servers = {}  # those that run, by name
        self._ports = {}  # shown -> real
        self._files = {}  # shown -> its copy with the real ports
        self._shell = None
        self._cluster = None
        self._has_containers = False
        self.result = Result()

    def run(self):
        """Runs what there is to run, and says in `result` what has come of it."""
        try:
            os.mkdir(os.path.join(self._scratch, "bin"))
            os.mkdir(os.path.join(self._scratch, "build"))
            os.symlink(self._binary, os.path.join(self._scratch, "bin", "hangup"))
            blocks = [b for b in self._page.blocks if b.info in ("console", "log") and b.check]
            self._describe(blocks)
            for block in blocks:
                self._run_block(block)
        except PageError as error:
            self._fail(error.line, [error.what])
        finally:
            self._end()
        return self.result

    def _end(self):
        if self._has_containers:
            shell = Shell(self._root, self._environment())
            shell.run("docker compose --profile '*' down -v -t 5", 120)
            shell.end()
        for thing in [self._shell, self._cluster, *self._servers.values()]:
            if thing is not None:
                thing.end()

    def _fail(self, line, lines):
        self.result.failures.append((line, lines))

    # What the page describes.

    def _describe(self, blocks):
        json_of = [b for b in self._page.blocks if b.info == "json" and b.check and "server" in b.check.keys]
        for block in sorted(blocks + json_of, key=lambda b: b.line):
            check = block.check
            for port in check.keys.get("ports", "").split(","):
                if port:
                    self._ports.setdefault(int(port), free_port())
            for port in [port for what in check.needs for port in PORTS_OF.get(what, [])]:
                self._ports.setdefault(port, free_port())
            name = check.keys.get("server", "none")
            if name == "none":
                continue
            if "start" in check.words:
                flags, environment = started_by(commands_of(block)[0])
            else:
                flags = shlex.split(check.keys.get("flags", ""))
                environment = dict(e.split("=", 1) for e in shlex.split(check.keys.get("env", "")))
            config = json.loads(check.keys["config"]) if "config" in check.keys else None
            if block.info == "json":
                config = config_of(block)
            says_something = bool(flags or environment or config is not None)
            if name in self._described:
                known = self._described[name]
                if says_something and (flags, environment, config) != (known.flags, known.environment, known.config):
                    raise PageError(block.line, f"the server {name} is described twice, and not in the same way")
                continue
            port = port_in(flags, environment, config)
            self._described[name] = Described(flags, environment, config, port)
            if port != 0:
                self._ports.setdefault(port, free_port())

    def _real(self, text):
        """A text of the page with real ports, folders and files."""
        for shown, real in self._ports.items():
            text = re.sub(rf"(?<![\d.]){shown}(?!\d)", str(real), text)
        text = re.sub(r"(?<![\w./-])/tmp(?![\w.-])", self._scratch, text)
        text = OWN_FILES.sub(self._scratch + "/build/", text)
        text = re.sub(r"(?<![\w./-])(?:\./)?build/release/hangup(?![\w.-])", self._binary, text)
        return re.sub(r"(?<![\w./-])((?:config|docker)/[\w./-]+\.\w+)", lambda m: self._copy_of(m.group(1)), text)

    def _copy_of(self, path):
        """A file of the repository in which ports of the page stand is given with the real ones."""
        if path not in self._files:
            original = os.path.join(self._root, path)
            if not os.path.isfile(original):
                return path
            with open(original, encoding="utf-8") as file:
                text = file.read()
            ports = self._ports
            real = re.sub(r"(?<![\d.])\d{2,5}(?!\d)", lambda m: str(ports.get(int(m.group(0)), m.group(0))), text)
            if real == text:
                return path
            folder = os.path.join(self._scratch, f"file-{len(self._files)}")
            os.mkdir(folder)
            copy = os.path.join(folder, os.path.basename(path))
            with open(copy, "w", encoding="utf-8") as file:
                file.write(real)
            self._files[path] = copy
        return self._files[path]

    def _shown(self, lines):
        """What was printed, with the ports, folders and files of the page."""
        out = []
        for line in lines:
            for path, copy in self._files.items():
                line = line.replace(copy, path)
            line = line.replace(self._scratch + "/build", "build").replace(self._scratch, "/tmp").replace(self._binary, "build/release/hangup")
            line = line.replace(PROJECT, "hangup")
            for shown, real in self._ports.items():
                line = re.sub(rf"(?<![\d.]){real}(?!\d)", str(shown), line)
            out.append(line)
        return out

    # What is run.

    def _environment(self):
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith("HANGUP") and not k.startswith("PG") and not k.lower().endswith("_proxy")}
        kept |= {"PATH": os.path.join(self._scratch, "bin") + ":" + os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
                 "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "dumb", "TMPDIR": self._scratch}
        if self._cluster is not None:
            kept |= {"PGHOST": "127.0.0.1", "PGPORT": str(self._ports[5432])}
        if self._has_containers:
            public, operators, prometheus = (str(self._ports[port]) for port in PORTS_OF["docker"])
            kept |= {"COMPOSE_PROJECT_NAME": PROJECT, "PUBLIC_PORT": public, "OPERATORS_PORT": operators,
                     "PROMETHEUS_PORT": prometheus}
        return kept

    def _run_block(self, block):
        check = block.check
        if check.not_run:
            self.result.not_run.append((block.line, check.not_run))
            return
        missing = [what for what in check.needs if what in self._skip or not is_there(what)]
        if missing:
            self.result.skipped.append((block.line, ", ".join(missing)))
            return
        if "server" not in check.keys:
            raise PageError(block.line, "check: says no server (server=NAME, or server=none)")
        if "postgres" in check.needs and self._cluster is None:
            self._start_cluster()
        if "docker" in check.needs and not self._has_containers:
            self._has_containers = True
            if self._shell is not None:
                self._shell.end()  # the next one has the containers' environment
        if "stops" in check.keys:
            self._stop(check.keys["stops"], block.line)
        name = check.keys["server"]
        server = None
        if name != "none":
            server = self._server(name, block.line)
            if server is None:
                return
        self.result.run += 1
        if block.info == "log" or "log" in check.words:
            self._check_log(block, server)
        elif "start" in check.words:
            self._check_start(block, server)
        else:
            for command in commands_of(block):
                self._check_command(command, float(check.keys.get("timeout", COMMAND_SECONDS)),
                                    "eventually" in check.words)

    def _start_cluster(self):
        self._cluster = Cluster(os.path.join(self._scratch, "postgres"), self._ports[5432])
        # Sessions say `sudo -u postgres` where the cluster is Debian's, which lets that user in by its
        # socket. This one lets in everybody who comes by the socket.
        sudo = os.path.join(self._scratch, "bin", "sudo")
        with open(sudo, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\n[ "$1" != -u ] || {{ PGUSER=$2 PGHOST={self._cluster.socket}; export PGUSER PGHOST; shift 2; }}\n'
                       'exec "$@"\n')
        os.chmod(sudo, 0o755)
        if self._shell is not None:
            self._shell.end()

    def _stop(self, name, line):
        """Ends a server, as a reader who presses Ctrl-C."""
        if name not in self._servers:
            raise PageError(line, f"check: stops: found {name!r}, allowed is a server that runs")
        self._servers.pop(name).end()

    def _server(self, name, line):
        """The server of this name, which is started if it does not run; None after a failure."""
        if name not in self._servers:
            how = self._described[name]
            for other in [n for n in self._servers if self._described[n].port == how.port]:
                self._servers.pop(other).end()  # as a reader would, who has one terminal for it
            started = Server(self._command_of(name), self._root, self._environment() | {
                key: self._real(value) for key, value in how.environment.items()})
            self._servers[name] = started
            if not started.comes_up(START_SECONDS):
                self._fail(line, [f"the server {name} does not start:",
                                  *("    " + said for said in self._shown(started.lines))])
                self._servers.pop(name).end()
                return None
        return self._servers[name]

    def _command_of(self, name):
        how = self._described[name]
        command = [self._binary, *(self._real(flag) for flag in how.flags)]
        if how.config is not None:
            with open(os.path.join(self._root, "config/server.json"), encoding="utf-8") as file:
                whole = merged(how.config, json.load(file))
            whole.setdefault("listen", {})["port"] = how.port
            path = os.path.join(self._scratch, f"{name}.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self._real(json.dumps(whole, indent=2)))
            command += ["--config", path]
        elif how.port and not any(f == "--port" or f.startswith("--port=") for f in how.flags) and not any(
                key in how.environment for key in ("HANGUP_LISTEN__PORT", "HANGUP_PORT")):
            command += ["--port", str(self._ports[how.port])]
        return command

    def _check_command(self, command, seconds, again):
        if self._shell is None or not self._shell.is_alive:
            self._shell = Shell(self._root, self._environment())
        until = time.monotonic() + (AGAIN_SECONDS if again or ASKS_AGAIN.match(command.text) else 0)
        while True:
            printed, in_time = self._shell.run(self._real(command.text), seconds)
            printed = self._shown(printed)
            if not in_time or matches(command.expected, printed, self._ports) or time.monotonic() >= until:
                break
            time.sleep(0.1)
        first = command.text.split("\n")[0]
        if not in_time:
            self._fail(command.line, [f"$ {first}", f"has not ended within {seconds:g} s, after",
                                      *("    " + line for line in printed)])
        elif not matches(command.expected, printed, self._ports):
            self._fail(command.line, [f"$ {first}", *difference(command.expected, printed, self._ports)])
            self.result.updates.append((command.line + command.text.count("\n") + 1, command.expected,
                                        renewed(command.expected, printed, self._ports)))

    def _check_log(self, block, server):
        if server is None:
            raise PageError(block.line, "check: log: of which server?")

        def found():
            return in_order(block.lines, self._shown(server.lines[server.heard:]), self._ports)[0] is not None

        if server.wait_for(found, LOG_SECONDS):
            server.heard += in_order(block.lines, self._shown(server.lines[server.heard:]), self._ports)[0]
            return
        printed = self._shown(server.lines[server.heard:])
        _, missing = in_order(block.lines, printed, self._ports)
        self._fail(block.line, ["the log does not have", "  - " + missing, "in this place; it has",
                                *("    " + line for line in printed)])

    def _check_start(self, block, server):
        """From "listens on" on: what stands before that depends on what has been built and made."""
        expected = commands_of(block)[0].expected
        at = next((i for i, line in enumerate(expected) if "listens on" in line), None)
        if at is None:
            raise PageError(block.line, 'check: start: no line says "listens on"')
        shown = [line for line in expected[at:] if not is_any_lines(line)]
        first = server.first_with("listens on")
        printed = self._shown(server.lines[first:first + len(shown)])
        server.heard = max(server.heard, first + len(shown))
        if not matches(shown, printed, self._ports):
            self._fail(block.line + at, difference(shown, printed, self._ports))


def config_of(block):
    """The JSON of a block, which may be the inside of an object."""
    text = "\n".join(block.lines)
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return json.loads("{" + text + "}")
    except ValueError as error:
        raise PageError(block.line, f"this is no JSON: {error}") from error


def check_config(block, root, binary, scratch):
    """Is the JSON of a block a configuration, over the one that is shipped? What is wrong, or ""."""
    with open(os.path.join(root, "config/server.json"), encoding="utf-8") as file:
        whole = merged(config_of(block), json.load(file))
    path = os.path.join(scratch, "config-block.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HANGUP")}
    checking = start([binary, "--config", path, "--check-config"], cwd=root, env=environment,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = checking.communicate()[0]
    os.remove(path)
    return "" if checking.returncode == 0 else said.strip().replace(path, "it")
