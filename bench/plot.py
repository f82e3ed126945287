#!/usr/bin/python3
"""Draws what scripts/bench-http --json has measured: bench/plot.py FILE.json DIRECTORY

Writes throughput.svg, latency.svg, storm.svg and goodput.svg.
"""
import json, os, statistics, sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "http")]
import chart
from report import rounds, those_that_count

colors = {"hangup": "#d1495b", "Go": "#30638e", "stock": "#9a9a9a", "floor": "#c9c2ae"}
names = {"hangup": "hangup", "Go": "Go net/http", "stock": "stock cpp-httplib", "floor": "bare epoll (floor)"}

if len(sys.argv) != 3:
    sys.exit("usage: bench/plot.py FILE.json DIRECTORY")
with open(sys.argv[1]) as file:
    report = json.load(file)
os.makedirs(sys.argv[2], exist_ok=True)


def figures(scenario, server):
    return [r["figures"] for r in those_that_count(report, rounds(report, scenario, server)).values()]


def number(x):
    return f"{x / 1000:.0f}k" if x >= 10_000 else f"{x:.0f}" if x >= 10 or x == int(x) else f"{x:.2g}"


def bars(to, box, title, servers, groups, key, text=number, log=None):
    """groups: {label: scenario}"""
    def values(group, server):
        return [f[key] for f in figures(groups[group], server) if f.get(key) is not None]
    chart.bars(to, box, title, groups, {s: colors[s] for s in servers}, values, text, log)


def save(to, servers, name):
    to.legend({names[s]: colors[s] for s in servers})
    to.save(os.path.join(sys.argv[2], name))


def throughput():
    to = chart.picture(800, 290)
    groups = {"16 connections": "healthz16", "128 connections": "healthz128"}
    everyone = ["hangup", "Go", "stock", "floor"]
    bars(to, (45, 40, 385, 230), "GET /healthz, requests/s (more is better)", everyone, groups, "rps")
    bars(to, (445, 40, 785, 230), "server CPU, µs per request (less is better)", everyone, groups, "cpu_us")
    save(to, everyone, "throughput.svg")


def latency():
    to = chart.picture(880, 290)
    servers = ("hangup", "Go", "floor")
    panels = {"idle server": "fin", "while wrk loads it": "loadedfin", "all cores busy": "busyfin"}
    for k, (title, scenario) in enumerate(panels.items()):
        box = left, top, right, bottom = 45 + 285 * k, 40, 295 + 285 * k, 230
        to.text(left, top - 12, title, "t")
        x = chart.log_axis(to, box, 8, 50_000, lambda v: f"{v / 1000:g} ms" if v >= 1000 else f"{v:g} µs")
        for part in (0, 50, 100):
            y = bottom - (bottom - top) * part / 100
            to.line(left, y, right, y, "g")
            to.text(left - 5, y + 4, f"{part} %", "e s")
        for server in servers:
            curves = [f["percentiles"] for f in figures(scenario, server) if f.get("percentiles")]
            points = [(statistics.median(us for _, us in same), 100 * same[0][0]) for same in zip(*curves)]
            if points:
                to.curve([(x(us), bottom - (bottom - top) * part / 100) for us, part in points if part <= 99], colors[server])
    to.text(45, 262, "of the hang-ups, how many the work has seen within that time", "s")
    save(to, servers, "latency.svg")


def storm():
    to = chart.picture(800, 270)
    servers = ["hangup", "Go", "floor"]
    panels = {"all over after, ms": "zero_from_first_ms", "server CPU, ms": "cpu_ms", "RSS per request, KiB": "kib_per_request"}
    for k, (title, key) in enumerate(panels.items()):
        bars(to, (45 + 262 * k, 40, 262 + 262 * k, 210), title, servers, {"10,000 leave at once": "storm10000"}, key)
    save(to, servers, "storm.svg")


def goodput():
    to = chart.picture(800, 290)
    servers = ["hangup", "Go", "stock"]
    groups = {"50 % leave": "goodput50", "90 % leave": "goodput90", "99 % leave": "goodput99"}
    bars(to, (45, 40, 385, 230), "answered, of those who stay", servers, groups, "share", "{:.0%}".format)
    bars(to, (445, 40, 785, 230), "their median wait, ms (log scale)", servers, groups, "p50", log=(5, 10_000))
    save(to, servers, "goodput.svg")


for draw in (throughput, latency, storm, goodput):
    draw()
