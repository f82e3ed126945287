#!/usr/bin/python3
"""Draws what scripts/bench-engines --json has measured: bench/engines/plot.py FILE.json FILE.svg

Needs Debian's python3-matplotlib.
"""
import json, sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

if len(sys.argv) != 3:
    sys.exit("usage: bench/engines/plot.py FILE.json FILE.svg")
report = json.load(open(sys.argv[1]))
ours, others = "#d1495b", "#9a9a9a"
plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "hangup", "font.family": "sans-serif", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "figure.facecolor": "white", "legend.frameon": False,
})
fig, (stop, waste) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(3, 2))

for at, r in enumerate(reversed(report["stop"])):
    p50, p99 = (r["idle_us"][k] / 1000 for k in ("p50", "p99"))
    stop.plot([p50, p99], [at, at], color=ours, linewidth=2, alpha=0.4)
    stop.plot(p50, at, "o", color=ours, label="p50" if at == 0 else None)
    stop.plot(p99, at, "|", color=ours, markersize=10, label="p99" if at == 0 else None)
stop.set_yticks(range(len(report["stop"])), [f"{r['engine']} {r['report']}" for r in reversed(report["stop"])])
stop.set_xscale("log")
stop.xaxis.set_major_formatter(lambda v, _: f"{v:g} ms")
stop.grid(axis="x", color="#e4e4e4")
stop.set_title("from the hang-up to the engine idle")
stop.legend(loc="upper right")

for at, r in enumerate(report["waste"]):
    for shift, key, color, label in ((-0.2, "wasted_without_s", others, "never told"), (0.2, "wasted_s", ours, "hangup")):
        waste.bar(at + shift, r[key], 0.38, color=color, label=label if at == 0 else None)
        waste.annotate(f"{r[key]:.1f} s" if r[key] >= 0.1 else f"{r[key] * 1000:.2g} ms", (at + shift, r[key]), ha="center", va="bottom",
                       fontsize=9)
waste.set_xticks(range(len(report["waste"])), [f"{r['engine']}\n{r['leave']} of {r['clients']} leave" for r in report["waste"]])
waste.set_title("engine seconds for nobody")
waste.legend(loc="upper right")
fig.tight_layout(w_pad=3)
fig.savefig(sys.argv[2], metadata={"Date": None})
