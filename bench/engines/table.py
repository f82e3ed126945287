"""Prints what engines_bench has measured: bench/engines/table.py FILE.json"""
import json, sys

report = json.load(open(sys.argv[1]))


def ms(us):
    return f"{us / 1000:.2f}" if us < 10_000 else f"{us / 1000:.0f}"


samples = report["stop"][0]["samples"]
print(f"\nFrom the hang-up, ms, p50 / p99 of {samples}\n\n| engine | query | worker free | engine idle |\n| --- | --- | --- | --- |")
for r in report["stop"]:
    print(f"| {r['engine']} | {r['report']} | " + " | ".join(f"{ms(r[k]['p50'])} / {ms(r[k]['p99'])}" for k in ("worker_free_us", "idle_us")) + " |")

print(f"\nNobody leaves, ms; medians of {report['cost'][0]['rounds']} rounds, SQLite's of CPU time\n")
print("| engine | query | rows | by itself | stoppable | ratio | of the minima |\n| --- | --- | --- | --- | --- | --- | --- |")
for r in report["cost"]:
    print(f"| {r['engine']} | {r['report']} | {r['rows']:,} | {r['plain_ms']:.1f} | {r['stoppable_ms']:.1f} | {r['ratio']:.3f} | {r['ratio_of_minima']:.3f} |")

print("\nEngine seconds for clients who have left, and when the last of the others had its answer\n")
print("| engine | clients, of whom leave | wasted: never told | with hangup | last answer: never told | with hangup |\n| --- | --- | --- | --- | --- | --- |")
for r in report["waste"]:
    print(f"| {r['engine']} | {r['clients']}, {r['leave']} | {r['wasted_without_s']:.2f} s | {r['wasted_s'] * 1000:.1f} ms "
          f"| {r['last_answer_without_s']:.1f} s | {r['last_answer_s']:.1f} s |")
