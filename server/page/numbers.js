// The numbers of the whole server, once a second.

import { names_of_ends, words_of } from "./ends";
import { plot } from "./plot";
import { duration, grouped } from "./text";

const made_of = document.getElementById("tile");

class tile {
  constructor(title) {
    const element = made_of.content.firstElementChild.cloneNode(true);
    element.querySelector("h3").textContent = title;
    this.value = element.querySelector(".value");
    this.more = element.querySelector(".more");
    this.plot = new plot();
    element.append(this.plot.element);
    document.getElementById("tiles").append(element);
  }
  show(at, value, words, more) {
    if (this.value.textContent !== words) this.value.textContent = words;
    if (this.more.textContent !== more) this.more.textContent = more;
    this.plot.add(at, value);
  }
}

const left = ["client_closed", "client_reset", "client_vanished"];

function sum(of, names = Object.keys(of)) {
  return names.reduce((total, name) => total + (of[name] ?? 0), 0);
}

export class numbers {
  #in_flight = new tile("In flight");
  #answered = new tile("Answered, per second");
  #left = new tile("Hung up on, per second");
  #stop = new tile("Hang-up to work stopped");
  #nobody = new tile("Worker time spent for nobody");
  #saved = new tile("Worker time saved");
  #late = new tile("Late stoppers");
  #before = null;

  forget() {
    this.#before = null;
    for (const one of this.#all()) one.plot.forget();
  }
  #all() {
    return [this.#in_flight, this.#answered, this.#left, this.#stop, this.#nobody, this.#saved, this.#late];
  }

  add(d) {
    const { at_ms: at, in_flight, ends, stop_us } = d;
    const before = this.#before ?? d;
    const seconds = Math.max(1, (at - before.at_ms) / 1000);
    const per_second = (names) => (sum(ends, names) - sum(before.ends, names)) / seconds;
    const total = sum(in_flight);
    this.#in_flight.show(at, total, grouped(total),
      Object.entries(in_flight).filter(([, n]) => n > 0).map(([state, n]) => `${grouped(n)} ${state}`).join(", "));
    const answered = per_second(["completed"]);
    this.#answered.show(at, answered, grouped(answered), `${grouped(ends.completed ?? 0)} in all`);
    const gone = per_second(left);
    this.#left.show(at, gone, grouped(gone), `${grouped(sum(ends, left))} in all`);
    this.#stop.show(at, stop_us?.p99, `p99 ${duration(stop_us?.p99)}`,
      `p50 ${duration(stop_us?.p50)}, worst ${duration(stop_us?.worst)}`);
    const nobody = d.worker_seconds_for_nobody;
    const saved = d.worker_seconds_saved;
    const most = d.worker_seconds_saved_at_most;
    this.#nobody.show(at, rate(nobody, before.worker_seconds_for_nobody, seconds), duration(nobody * 1e6),
      "after the context had ended");
    this.#saved.show(at, rate(saved, before.worker_seconds_saved, seconds), duration(saved * 1e6),
      `had the stopped left; at most ${duration(most * 1e6)} more until their deadlines`);
    this.#late.show(at, d.late - (before.late ?? 0), grouped(d.late), "reported since the server started");
    show_ends(ends);
    this.#before = d;
  }
}

function rate(now, before, seconds) {
  return Math.max(0, (now - (before ?? now)) / seconds);
}

function show_ends(ends) {
  const rows = document.getElementById("ends");
  for (const name of names_of_ends) {
    let row = rows.querySelector(`[data-end=${name}]`);
    if (!row) {
      row = rows.insertRow();
      row.dataset.end = name;
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = words_of(name);
      row.append(head);
      row.insertCell();
    }
    const text = grouped(ends[name] ?? 0);
    if (row.cells[1].textContent !== text) row.cells[1].textContent = text;
  }
}
