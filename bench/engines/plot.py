#!/usr/bin/python3
"""Draws what scripts/bench-engines --json has measured: bench/engines/plot.py FILE.json FILE.svg"""
import json, os, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import chart

if len(sys.argv) != 3:
    sys.exit("usage: bench/engines/plot.py FILE.json FILE.svg")
with open(sys.argv[1]) as file:
    report = json.load(file)
ours, others = "#d1495b", "#9a9a9a"
to = chart.picture(880, 300)

box = left, top, right, bottom = 140, 40, 520, 235
to.text(left, top - 12, "from the hang-up to the engine idle: p50 (dot) to p99", "t")
times = [[r["idle_us"][k] / 1000 for k in ("p50", "p99")] for r in report["stop"]]
x = chart.log_axis(to, box, 10 ** -1.5, 2 * max(p99 for _, p99 in times), lambda v: f"{v:g} ms")
for k, (r, (p50, p99)) in enumerate(zip(report["stop"], times)):
    y = top + (bottom - top) * (k + 0.5) / len(times)
    to.text(left - 8, y + 4, f"{r['engine']} {r['report']}", "e")
    to.curve([(x(p50), y), (x(p99), y)], ours)
    to.dot(x(p50), y, ours)

groups = {f"{r['engine']}\n{r['leave']} of {r['clients']} leave": r for r in report["waste"]}
chart.bars(to, (600, top, 865, bottom), "seconds of work for clients who have left", groups, {"never told": others, "hangup": ours},
           lambda group, name: [groups[group]["wasted_s" if name == "hangup" else "wasted_without_s"]],
           lambda s: f"{s:.0f} s" if s == int(s) else f"{s:.1f} s" if s >= 0.1 else f"{s * 1000:.2g} ms")
to.legend({"never told that the client has left": others, "hangup": ours})
to.save(sys.argv[2])
