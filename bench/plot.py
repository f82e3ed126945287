#!/usr/bin/python3
"""Draws what scripts/bench-http --json has measured: bench/plot.py FILE.json DIRECTORY

Writes throughput.svg, latency.svg, storm.svg and goodput.svg. Needs Debian's python3-matplotlib.
"""
import json, os, statistics, sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "http"))
from report import rounds, those_that_count

colors = {"hangup": "#d1495b", "Go": "#30638e", "stock": "#9a9a9a", "floor": "#d9d4c7"}
names = {"hangup": "hangup", "Go": "Go net/http", "stock": "stock cpp-httplib", "floor": "bare epoll (floor)"}
plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "hangup", "font.family": "sans-serif", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "figure.facecolor": "white", "legend.frameon": False,
})

if len(sys.argv) != 3:
    sys.exit("usage: bench/plot.py FILE.json DIRECTORY")
report = json.load(open(sys.argv[1]))
os.makedirs(sys.argv[2], exist_ok=True)


def figures(scenario, server):
    return [r["figures"] for r in those_that_count(report, rounds(report, scenario, server)).values()]


def values(scenario, server, key):
    return [f[key] for f in figures(scenario, server) if f.get(key) is not None]


def text(x):
    return f"{x / 1000:.0f}k" if x >= 10_000 else f"{x:.0f}" if x >= 10 or x == int(x) else f"{x:.2g}"


def bars(ax, title, servers, groups, key, text=text):
    """A bar per server, the median, in each group: {label: scenario}; a line from the least to the most."""
    width, most = 0.8 / len(servers), 0
    for i, server in enumerate(servers):
        for at, scenario in enumerate(groups.values()):
            of = values(scenario, server, key)
            if not of:
                continue
            x, y = at + (i - (len(servers) - 1) / 2) * width, statistics.median(of)
            most = max(most, *of)
            ax.bar(x, y, width * 0.92, color=colors[server], label=names[server] if at == 0 else None)
            ax.plot([x, x], [min(of), max(of)], color="#00000066", linewidth=1)
            ax.annotate(text(y), (x, max(of)), ha="center", va="bottom", fontsize=8, xytext=(0, 1), textcoords="offset points")
    ax.set_title(title)
    ax.set_xticks(range(len(groups)), list(groups))
    ax.tick_params(axis="x", length=0)
    ax.yaxis.set_major_formatter(lambda v, _: text(v))
    if most:
        ax.set_ylim(0, most * 1.12)


def legend(fig, axes):
    """One for all panels, below them."""
    found = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels()):
            found.setdefault(label, handle)
    order = [n for n in names.values() if n in found]
    fig.legend([found[n] for n in order], order, loc="lower center", ncol=len(order))


def save(fig, axes, name):
    legend(fig, axes)
    fig.tight_layout(rect=(0, 0.08, 1, 1), w_pad=2.5)
    fig.savefig(os.path.join(sys.argv[2], name), metadata={"Date": None})
    plt.close(fig)


def throughput():
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    groups = {"16 connections": "healthz16", "128 connections": "healthz128"}
    everyone = ["hangup", "Go", "stock", "floor"]
    bars(axes[0], "GET /healthz, requests/s (more is better)", everyone, groups, "rps")
    bars(axes[1], "server CPU, µs per request (less is better)", everyone, groups, "cpu_us")
    save(fig, axes, "throughput.svg")


def latency():
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharex=True, sharey=True)
    panels = {"idle server": "fin", "while wrk loads it": "loadedfin", "all cores burning": "busyfin"}
    for ax, (title, scenario) in zip(axes, panels.items()):
        for server in ("floor", "Go", "hangup"):
            curves = [f["percentiles"] for f in figures(scenario, server) if f.get("percentiles")]
            if not curves:
                continue
            us = [statistics.median(point[1] for point in points) for points in zip(*curves)]
            parts = [100 * point[0] for point in curves[0]]
            shown = [k for k, p in enumerate(parts) if p <= 99]
            ax.plot([us[k] for k in shown], [parts[k] for k in shown], color=colors[server] if server != "floor" else "#b3a98c",
                    linewidth=2, label=names[server])
        ax.set_xscale("log")
        ax.set_title(title)
        ax.xaxis.set_major_formatter(lambda v, _: f"{v / 1000:g} ms" if v >= 1000 else f"{v:g} µs")
        ax.grid(axis="x", color="#e4e4e4")
        ax.axhline(50, color="#cccccc", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.set_ylim(0, 100)
        ax.set_xlim(8, 50_000)
    axes[0].set_ylabel("% of hang-ups heard within")
    save(fig, axes, "latency.svg")


def storm():
    fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
    for ax, title, key in zip(axes, ("all over after, ms", "server CPU, ms", "RSS per request, KiB"),
                              ("zero_from_first_ms", "cpu_ms", "kib_per_request")):
        bars(ax, title, ["hangup", "Go", "floor"], {"10,000 leave at once": "storm10000"}, key)
    save(fig, axes, "storm.svg")


def goodput():
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    groups = {"50 % leave": "goodput50", "90 % leave": "goodput90", "99 % leave": "goodput99"}
    bars(axes[0], "answered, of those who stay", ["hangup", "Go", "stock"], groups, "share", "{:.0%}".format)
    bars(axes[1], "their median wait, ms (log scale)", ["hangup", "Go", "stock"], groups, "p50")
    axes[1].set_yscale("log")
    axes[1].set_ylim(5, 10_000)
    axes[1].yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    save(fig, axes, "goodput.svg")


for draw in (throughput, latency, storm, goodput):
    draw()
