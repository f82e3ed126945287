"""What the figures of the HTTP benchmark are, what they must be, and the table of them."""
import collections, statistics

# Of a scenario: name in the results, name and unit in the table, which way is better, and what must
# hold of hangup: "x": so many times better than Go in the same round; "<=", ">=": the figure itself.
figure = collections.namedtuple("figure", "key text better goal limit", defaults=(None, None))


def healthz():
    return [figure("rps", "requests/s", "more", "x", 1.4), figure("cpu_us", "server CPU, us/request", "less", "x", 1.8),
            figure("p50_ms", "p50, ms", "less"), figure("p99_ms", "p99, ms", "less")]


def latency(p50, p99):
    return [figure("p50", "p50, us", "less", "x", p50), figure("p99", "p99, us", "less", "x", p99), figure("p999", "p999, us", "less"),
            figure("unstarted", "heard before the work began", "less"),
            figure("missing", "not heard", "less", "<=", 0), figure("early", "stopped too early", "less", "<=", 0)]


def goodput():
    return [figure("share", "answered, of those who stay", "more", ">=", 0.97), figure("refused", "refused", "less", "<=", 0),
            figure("p50", "p50, ms", "less", "x", 1), figure("p99", "p99, ms", "less")]


figures = {
    "healthz16": healthz(),
    "healthz128": healthz(),
    "fin": latency(1.5, 1.2),
    "rst": latency(1.5, 1.2),
    "loadedfin": latency(3, 2) + [figure("load_rps", "load, requests/s", "more")],
    "busyfin": latency(40, 15),
    "busyspin": latency(40, 15),
    "storm10000": [figure("zero_from_first_ms", "all over, ms", "less", "x", 1.4), figure("cpu_ms", "server CPU, ms", "less", "x", 2),
                   figure("kib_per_request", "RSS while in flight, KiB each", "less", "<=", 4), figure("missing", "not heard", "less", "<=", 0)],
    "fintask": latency(2, 1.3),
    "tasks10000": [figure("kib_per_request", "RSS beside the connection, KiB each", "less", "x", 4),
                   figure("kib_per_connection", "RSS of the connection, KiB", "less"),
                   figure("zero_from_first_ms", "all over, ms", "less", "x", 2), figure("cpu_ms", "server CPU, ms", "less", "x", 2),
                   figure("missing", "not heard", "less", "<=", 0)],
    "idle10000": [figure("kib_per_connection", "RSS, KiB each", "less", "<=", 4)],
    "goodput50": goodput(),
    "goodput90": goodput(),
    "goodput99": goodput(),
}


def number(x):
    if x is None:
        return ""
    if x == int(x) and abs(x) < 1e6 or abs(x) >= 100:
        return f"{x:,.0f}"
    return f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}"


def spread(values, short=False):
    values = [v for v in values if v is not None]
    if not values:
        return ""
    middle = number(statistics.median(values))
    if len(values) == 1 or min(values) == max(values):
        return middle
    return f"{middle} [{number(min(values))}..{number(max(values))}]"


def rounds(report, scenario, server):
    """The results of a scenario and a server, by round."""
    return {r["round"]: r for r in report["results"] if r["scenario"] == scenario and r["server"] == server}


def those_that_count(report, by_round):
    """The rounds that others left alone; all if that is less than three, and less than all."""
    calm = {i: r for i, r in by_round.items() if r["others"] <= report["quiet"]}
    return calm if len(calm) >= min(3, len(by_round)) else by_round


def advantages(report, scenario, f):
    """How many times better hangup is than Go, round by round."""
    mine, theirs = (rounds(report, scenario, s) for s in ("hangup", "Go"))
    pairs = {i: {"others": max(mine[i]["others"], theirs[i]["others"]), "pair": (mine[i], theirs[i])} for i in mine if i in theirs}
    found = []
    for one in those_that_count(report, pairs).values():
        a, b = (r["figures"].get(f.key) for r in one["pair"])
        if a and b:
            found.append(a / b if f.better == "more" else b / a)
    return found


def values(report, scenario, server, f):
    return [r["figures"].get(f.key) for r in those_that_count(report, rounds(report, scenario, server)).values()]


def judge(f, mine, ratios):
    if f.goal is None:
        return "", ""
    if f.goal == "x":
        return f"{f.limit:g}x", ("" if not ratios else "met" if statistics.median(ratios) >= f.limit else "**missed**")
    mine = [v for v in mine if v is not None]
    held = mine and (max(mine) <= f.limit if f.limit == 0 else
                     statistics.median(mine) <= f.limit if f.goal == "<=" else statistics.median(mine) >= f.limit)
    return f"{f.goal} {f.limit:g}", "met" if held else "**missed**"


def print_httplib(report):
    """What it costs a server of cpp-httplib that its handlers hear hang-ups."""
    of_httplib = ("stock", "watched", "hosted")
    measured = [s for s in figures if all(rounds(report, s, of) for of in of_httplib)]
    if not measured:
        return
    print("\nA server of cpp-httplib, and the same with one type changed. Median [min..max] of the rounds.\n")
    print("| | | " + " | ".join(of_httplib) + " |\n| --- | --- | --- | --- | --- |")
    for scenario in measured:
        for f in figures[scenario]:
            print(f"| {scenario} | {f.text} | " + " | ".join(spread(values(report, scenario, of, f)) for of in of_httplib) + " |")


def print_table(report):
    print(f"{report['machine']}; {report['rounds']} rounds")
    print("\nMedian [min..max] of the rounds; better than Go: of the ratios of the rounds, above 1 is better.\n")
    print("| | | Go | hangup | better than Go | goal | | floor | stock |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for scenario, list_of in figures.items():
        if not rounds(report, scenario, "hangup"):
            continue
        for f in list_of:
            ratios = advantages(report, scenario, f)
            of = {s: values(report, scenario, s, f) for s in ("Go", "hangup", "floor", "stock")}
            if scenario == "fin" and f.key == "missing" and any(of["stock"]):
                of["stock"] = [20]  # all that were asked
            if f.key in ("missing", "early", "unstarted") and not any(any(v for v in of[s] if v) for s in ("Go", "hangup", "floor", "stock")):
                continue  # nothing to say
            goal, verdict = judge(f, of["hangup"], ratios)
            print(f"| {scenario} | {f.text} | {spread(of['Go'])} | {spread(of['hangup'])} | {spread(ratios)} | {goal} | {verdict} "
                  f"| {spread(of['floor'])} | {spread(of['stock'])} |")
    print_httplib(report)
    disturbed = [r for r in report["results"] if r["others"] > report["quiet"]]
    print(f"\n{len(disturbed)} of {len(report['results'])} measurements were disturbed: others had more than "
          f"{report['quiet']:.0%} of the machine. Of a scenario with three quiet rounds, only those count.")
