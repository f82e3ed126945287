// All that is known of one request: the one that is pointed at, else the one that is kept open.

import { words_of } from "./ends";
import { parts_of } from "./requests";
import { server_now } from "./clock";
import { duration, shortened } from "./text";

const kinds = { queued: "waited", running: "ran", writing: "wrote", stopping: "ran after the end" };

export class details {
  #place = document.getElementById("details");
  #list = this.#place.querySelector("dl");
  #kept = null;
  #shown = null;
  #last = "";

  show(r) {
    this.#shown = r;
    this.refresh();
  }
  keep(r) {
    if (this.#kept && this.#kept !== r) this.#kept.kept = false;
    this.#kept = r;
  }
  back() {
    if (this.#kept) this.show(this.#kept);
  }

  refresh() {
    const r = this.#shown;
    if (!r) return;
    const rows = rows_of(r);
    const text = JSON.stringify(rows);
    if (text === this.#last) return;
    this.#last = text;
    this.#place.querySelector(".hint").hidden = true;
    this.#place.classList.add("filled");
    this.#place.querySelector("h3").textContent = `Request ${r.number}${r.kept ? ", kept open" : ""}`;
    this.#list.replaceChildren(...rows.flatMap(([name, value]) => {
      const dt = document.createElement("dt");
      dt.textContent = name;
      const dd = document.createElement("dd");
      const isolated = document.createElement("bdi");
      isolated.textContent = value;
      dd.append(isolated);
      return [dt, dd];
    }));
  }
}

function rows_of(r) {
  const rows = [
    ["target", `${r.method} ${shortened(r.target, r.target_bytes, 1000)}`],
    ["route", r.route],
    ["client", r.client],
    ["id", r.id],
    ["pool", r.pool ?? "none: a task, or on the spot"],
    ["trace", r.trace ?? "none"],
  ];
  for (const { kind, from, to } of parts_of(r, server_now())) {
    rows.push([kinds[kind], duration((to - from) * 1000)]);
  }
  if (r.context_ended) rows.push(["context ended", r.context_ended.text || words_of(r.context_ended.cause)]);
  if (r.late) rows.push(["late", "it has been reported as a late stopper"]);
  if (r.end) {
    rows.push(["end", `${r.end}, status ${r.status}`]);
    if (r.stop_us != null) rows.push(["stopped in", duration(r.stop_us)]);
    if (r.by) rows.push(["ended by", `the client ${r.by.client}, in its request ${r.by.request}`]);
    if (r.cause) rows.push(["cause", r.cause]);
  }
  return rows.map(([name, value]) => [name, shortened(value, 0, 1200)]);
}
