"""Runs the scenarios of the HTTP benchmark and prints the table: called by scripts/bench-http."""
import argparse, json, os, platform, re, signal, socket, subprocess, sys, tempfile, time

sys.path[:0] = [os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))]
from machine import cores, others, quiet
from report import print_table

build = "build/bench-http"
client = f"{build}/bench/http/hang_up_client"

given = argparse.ArgumentParser()
given.add_argument("--rounds", type=int)
given.add_argument("--only")
given.add_argument("--json")
given.add_argument("--patience", type=float)
given.add_argument("--hangup")
given.add_argument("--go")
given.add_argument("--seconds", type=int)
given.add_argument("--nice", type=int)
given.add_argument("--quick", action="store_true")
given = given.parse_args()
if given.quick:
    quiet = 1.0
if given.nice:
    os.nice(given.nice)
    if os.path.exists("/proc/self/autogroup"):  # then niceness counts within a session, and that of the session without
        os.setsid()
        with open("/proc/self/autogroup", "w") as group:
            group.write(str(given.nice))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the with-blocks

# hangup as it is shipped, but for what bounds the scenarios: ten thousand must get in, and none of
# them may run into a deadline.
hangup_config = {
    "listen": {"host": "127.0.0.1", "backlog": 4096},
    "http": {"max_connections": 20000, "idle_timeout_ms": 3600000},
    "pools": {"query": {"workers": 64, "queue": 20000}, "cpu": {"workers": cores, "queue": 64}, "search": {"workers": 1}},
    "routes": {"query_sim": {"deadline_ms": 0}, "query_sim_task": {"deadline_ms": 0}, "spin": {"deadline_ms": 0}},
}


class server:
    """One of the servers, in a process of its own while the with-block lasts."""

    def __init__(self, name, threads=24, remembers=4096):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config = None
        if name == "hangup":
            self.config = tempfile.NamedTemporaryFile("w", suffix=".json")
            listen = hangup_config["listen"] | {"port": self.port}
            json.dump(hangup_config | {"listen": listen, "requests": {"completed": remembers, "not_completed": remembers}}, self.config)
            self.config.flush()
            command = [given.hangup, "--config", self.config.name]
        else:
            httplib_server = [f"{build}/bench/http/stock_server", str(self.port), str(threads)]
            command = {"Go": [f"{build}/go_server", str(self.port), str(cores), "64"],
                       "stock": httplib_server, "watched": [*httplib_server, "watched"], "hosted": [*httplib_server, "hosted"],
                       "floor": [f"{build}/bench/http/floor_server", str(self.port)]}[name]
        # hangup logs each request, as it is shipped to; the others log nothing.
        self.log = tempfile.TemporaryFile() if self.config else None
        self.process = subprocess.Popen(command, stderr=self.log)
        self.pid = self.process.pid

    def __enter__(self):
        for _ in range(1000):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except ConnectionRefusedError:
                time.sleep(0.01)
        said = b""
        if self.log:
            self.log.seek(0)
            said = self.log.read(2000)
        self.__exit__()
        sys.exit(f"bench-http: {self.process.args[0]} does not start\n{said.decode()}")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        if self.config:
            self.config.close()
            self.log.close()

    def cpu(self):
        return time.clock_gettime(~self.pid << 3 | 2)  # clock_getcpuclockid(3)

    def ask(self, mode, **settings):
        said = subprocess.run([client, mode, str(self.port), str(self.pid), *(f"{k}={v}" for k, v in settings.items())],
                              check=True, capture_output=True, text=True, timeout=300)
        return json.loads(said.stdout)

    def wrk(self, connections, seconds):
        return subprocess.Popen(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", f"http://127.0.0.1:{self.port}/healthz"],
                                stdout=subprocess.PIPE, text=True)


def read_wrk(said):
    def ms(percent):
        number, unit = re.search(rf"{percent}%\s+([0-9.]+)(us|ms|s)", said).groups()
        return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    errors = re.search(r"Socket errors: (.*)", said)
    return {"rps": float(re.search(r"Requests/sec:\s+([0-9.]+)", said)[1]), "requests": int(re.search(r"(\d+) requests in", said)[1]),
            "p50_ms": ms(50), "p99_ms": ms(99), "errors": errors[1] if errors else ""}


def healthz(connections):
    def run(name, seed):
        with server(name, threads=connections + 8) as s:
            s.wrk(connections, 1).communicate()  # to warm up
            before = s.cpu()
            said = s.wrk(connections, 1 if given.quick else given.seconds).communicate()[0]
            used = s.cpu() - before
            got = read_wrk(said)
            got["cpu_us"] = used * 1e6 / got["requests"]
            return got
    return run


def shares(got):
    """Of single latencies, as many as a plot of the distribution needs."""
    each = sorted(got.pop("each"))
    parts = [i / 20 for i in range(20)] + [0.99, 1]
    got["percentiles"] = [[p, round(each[int(p * (len(each) - 1))], 1)] for p in parts] if each else []
    return {**got.pop("us"), **got}


def latency(loaded=False, **settings):
    def run(name, seed):
        with server(name, remembers=131072 if loaded else 4096) as s:  # the load is remembered as well
            asked = dict(settings, seed=seed)
            if name == "stock":  # the control: it hears none of them
                asked |= {"count": 20, "path": "/query/sim?rows=1&row_ms=1000"}
            if not loaded:
                return shares(s.ask("latency", **asked))
            load = s.wrk(16, 300)
            try:
                time.sleep(0.3)
                got = shares(s.ask("latency", at_a_time=25, page=65536, **asked))
            finally:
                load.send_signal(signal.SIGINT)
                said = load.communicate()[0]
            got["load_rps"] = read_wrk(said)["rps"]
            return got
    return run


def crowd(mode, count):
    def run(name, seed):
        with server(name, remembers=2 * count) as s:
            return s.ask(mode, count=count)
    return run


def goodput(per_second, leave):
    def run(name, seed):
        with server(name, threads=cores) as s:
            got = s.ask("goodput", per_second=per_second, leave=leave, seconds=0.3 if given.quick else given.seconds, seed=seed)
            return {**got.pop("ms"), **got}
    return run


few = given.quick
many = 200 if few else 10000
everyone, hearing = ("hangup", "Go", "stock", "floor"), ("hangup", "Go", "floor")
with_ours = ("hangup", "Go", "stock", "watched", "hosted", "floor")
scenarios = {
    "healthz16": (with_ours, healthz(16)),
    "healthz128": (with_ours, healthz(128)),
    "fin": (everyone, latency(how="fin", count=20 if few else 1000)),
    "rst": (hearing, latency(how="rst", count=20 if few else 1000)),
    "loadedfin": (hearing, latency(loaded=True, how="fin", count=20 if few else 300, hold_us="5000:10000")),
    # A request that waits, while CPU-bound ones burn on every core; and one of the burning ones.
    "busyfin": (("hangup", "Go"), latency(how="fin", count=10 if few else 200, hold_us="20000:40000", burn=cores)),
    "busyspin": (("hangup", "Go"), latency(how="fin", count=10 if few else 200, hold_us="20000:40000", burn=cores - 1,
                                           path="/spin?ms=600000")),
    "storm10000": (hearing, crowd("storm", many)),
    # Handlers that are tasks: one that waits, and ten thousand that all run and wait.
    "fintask": (("hangup", "Go"), latency(how="fin", count=20 if few else 1000, path="/query/sim/task?rows=1&row_ms=60000&stream=0")),
    "tasks10000": (("hangup", "Go"), crowd("waiting", many)),
    "idle10000": (hearing, crowd("idle", many)),
    # What the stayers ask for is less than half of the cores, but for the last one: 15 %.
    "goodput50": (("hangup", "Go", "stock"), goodput(90 * cores, 0.5)),
    "goodput90": (("hangup", "Go", "stock"), goodput(450 * cores, 0.9)),
    "goodput99": (("hangup", "Go", "stock"), goodput(1500 * cores, 0.99)),
}


patience = 0 if given.quick else given.patience


def await_quiet():
    global patience
    while patience > 0:
        look = others()
        time.sleep(0.5)
        if look.share() <= quiet:
            return
        patience -= 0.5


def measure(name, run, seed):
    global patience
    tried = []
    while True:
        await_quiet()
        look, load, start = others(), os.getloadavg()[0], time.monotonic()
        try:
            got = run(name, seed)
        except subprocess.CalledProcessError as failed:
            got = {"failed": failed.stderr.strip()}
            print(f"\nbench-http: {name}: {got['failed']}", file=sys.stderr)
        tried.append((round(look.share(), 3), got, load))
        if tried[-1][0] <= quiet or len(tried) == 2 or patience <= 0:
            break
        patience -= time.monotonic() - start
    share, got, load = min(tried, key=lambda t: t[0])  # whatever its figures are
    return {"figures": got, "others": share, "load": round(load, 2), "tries": len(tried)}


chosen = given.only.split(",") if given.only else list(scenarios)
for name in chosen:
    if name not in scenarios:
        sys.exit(f"bench-http: --only: there is no {name}; there are {' '.join(scenarios)}")

model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
httplib = subprocess.run(["pkg-config", "--modversion", "cpp-httplib"], capture_output=True, text=True).stdout.strip()
machine = f"{model}, {cores} cores, Linux {platform.release()}; {given.go or 'no Go'}; {compiler}, -O2; cpp-httplib {httplib}"
report = {"machine": machine, "rounds": given.rounds, "quiet": quiet, "results": []}


def brief(x):
    """The same with six significant digits in each number: the files are committed."""
    if isinstance(x, dict):
        return {k: brief(v) for k, v in x.items()}
    if isinstance(x, list):
        return [brief(v) for v in x]
    return float(f"{x:.6g}") if isinstance(x, float) else x


def save():
    """A line per measurement."""
    with open(given.json, "w") as out:
        head = {k: v for k, v in report.items() if k != "results"}
        out.write(json.dumps(head)[:-1] + ', "results": [\n')
        out.write(",\n".join(json.dumps(brief(r)) for r in report["results"]) + "\n]}\n")


for i in range(given.rounds):
    for scenario in chosen:
        names, run = scenarios[scenario]
        names = [n for n in names if n != "Go" or given.go]
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            if sys.stderr.isatty():
                print(f"\r\033[K==> round {i + 1} of {given.rounds}: {scenario} {name}", end="", file=sys.stderr, flush=True)
            report["results"].append({"round": i, "scenario": scenario, "server": name, **measure(name, run, 1000 + i)})
    if given.json:
        save()
if sys.stderr.isatty():
    print("\r\033[K", end="", file=sys.stderr)
print_table(report)
wrong = [r for r in report["results"] if "failed" in r["figures"] or
         r["server"] == "hangup" and (r["figures"].get("missing") or r["figures"].get("early"))]
if wrong:
    sys.exit("bench-http: a measurement has failed, or hangup did not hear a hang-up")
