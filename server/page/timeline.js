// The timeline: which requests have a lane, and what moves. Nothing is drawn while nothing moves,
// while the page is hidden, and no more than so many lanes.

import { server_now } from "./clock";
import { details } from "./details";
import { lane } from "./lane";
import { axis_for } from "./requests";
import { duration } from "./text";

const most_lanes = 40;
const choose_every_ms = 250;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class timeline {
  #known;
  #lanes = [];
  #free = [];
  #place = document.getElementById("lanes");
  #none = document.getElementById("none");
  #details = new details();
  #axis = 1000;
  #dirty = true;
  #chosen_at = -Infinity;
  #scheduled = false;
  #paused = false;
  #connected = false;
  #held = null;  // the lane that is pointed at
  #doubted = false;
  #empty_for = 0;
  #unasked_for = 0;  // seconds

  constructor(known) {
    this.#known = known;
    document.addEventListener("visibilitychange", () => this.#schedule());
    const hold = (e) => this.#hold(e.target.closest?.(".lane"));
    this.#place.addEventListener("pointerover", hold);
    this.#place.addEventListener("focusin", hold);
    this.#place.addEventListener("pointerleave", () => this.#let_go());
    this.#place.addEventListener("focusout", () => this.#let_go());
    this.#place.addEventListener("click", (e) => this.#keep(e.target.closest(".name")));
  }

  changed() {
    this.#dirty = true;
    this.#schedule();
  }
  connected(is) {
    this.#connected = is;
    this.changed();
  }
  pause() {
    this.#paused = !this.#paused;
    this.changed();
    return this.#paused;
  }

  // Events were left out: what is shown as running may have ended.
  doubt() {
    this.#doubted = true;
  }
  // Whether to ask the server what is in flight, by its numbers.
  stale(in_flight) {
    const total = Object.values(in_flight ?? {}).reduce((a, b) => a + b, 0);
    const shown = this.#lanes.some((l) => l.r && !l.r.end);
    this.#empty_for = total === 0 && shown ? this.#empty_for + 1 : 0;
    this.#unasked_for = this.#known.any_found() ? this.#unasked_for + 1 : 0;
    const ask = this.#doubted || this.#empty_for > 2 || this.#unasked_for > 4;
    if (ask) this.#unasked_for = 0;
    this.#doubted = false;
    return ask;
  }

  #schedule() {
    if (this.#scheduled || document.hidden) return;
    this.#scheduled = true;
    const draw = () => {
      this.#scheduled = false;
      if (!document.hidden) this.#frame();
    };
    if (still.matches) setTimeout(draw, 500);
    else requestAnimationFrame(draw);
  }

  #frame() {
    if (this.#paused) return;
    const now = server_now();
    const at = performance.now();
    let moves = false;
    if (at - this.#chosen_at >= choose_every_ms) {
      this.#chosen_at = at;
      if (this.#dirty && !this.#held) this.#choose();
      this.#draw(now);
    }
    for (const l of this.#lanes) moves = l.grow(now, this.#axis) || moves;
    if ((moves && this.#connected) || this.#dirty) this.#schedule();
  }

  // Lanes go on showing their requests as long as those are chosen, so little of the document changes.
  #choose() {
    this.#dirty = false;
    const wanted = this.#known.worth_showing(most_lanes);
    const by_request = new Map(this.#lanes.map((l) => [l.r, l]));
    const stay = new Set(wanted);
    for (const l of this.#lanes) if (!stay.has(l.r)) this.#free.push(l);
    const next = wanted.map((r) => {
      const l = by_request.get(r) ?? this.#free.pop() ?? new lane();
      l.show(r);
      return l;
    });
    next.forEach((l, i) => {
      if (this.#place.children[i] !== l.element) {
        this.#place.insertBefore(l.element, this.#place.children[i] ?? null);
      }
    });
    while (this.#place.children.length > next.length) this.#place.lastElementChild.remove();
    this.#lanes = next;
    this.#none.hidden = next.length > 0;
  }

  #draw(now) {
    let longest = 0;
    for (const { r } of this.#lanes) longest = Math.max(longest, (r.end ? r.ended : now) - r.started);
    this.#axis = axis_for(longest);
    document.querySelector(".axis .half").textContent = duration(this.#axis * 500);
    document.querySelector(".axis .whole").textContent =
      duration(this.#axis * 1000) + (longest > this.#axis ? " and more" : "");
    for (const l of this.#lanes) l.draw(now, this.#axis);
    if (this.#held) this.#details.show(this.#held.r);
    else this.#details.refresh();
  }

  // Under the pointer and the focus nothing moves away. New requests appear when it is let go.
  #hold(element) {
    const l = element && this.#lanes.find((one) => one.element === element);
    if (!l) return;
    this.#held = l;
    this.#details.show(l.r);
  }
  #let_go() {
    this.#held = null;
    this.#details.back();
    this.changed();
  }

  #keep(name) {
    const l = name && this.#lanes.find((one) => one.name === name);
    if (!l) return;
    l.r.kept = !l.r.kept;
    name.setAttribute("aria-pressed", l.r.kept);
    this.#details.keep(l.r.kept ? l.r : null);
    this.#details.show(l.r);
  }
}
