// One lane of the timeline. Lanes are used again for other requests: their number is bounded.

import { end_request } from "./end_it";
import { icon_of, words_of } from "./ends";
import { parts_of } from "./requests";
import { duration, shortened } from "./text";

const made_of = document.getElementById("lane");
const states = {
  queued: ["waits to begin", "waits"],
  running: ["runs", "runs"],
  writing: ["writes its answer", "writes"],
  stopping: ["still runs", "failed"],
};

export class lane {
  r = null;
  #parts = [];
  #growing = null;  // the last part, while the request is in flight
  #steps = 0;
  #words = "";

  constructor() {
    this.element = made_of.content.firstElementChild.cloneNode(true);
    const find = (what) => this.element.querySelector(what);
    this.name = find(".name");
    this.number = find(".number");
    this.target = find(".target");
    this.bar = find(".bar");
    this.mark = find(".mark");
    this.how = find(".how");
    this.use = find("use");
    this.said = find(".words");
    this.end = find(".end");
    this.end.onclick = () => end_request(this.r);
  }

  show(r) {
    if (this.r === r) return;
    this.r = r;
    this.#steps = -1;
    this.number.textContent = `#${r.number}`;
    this.target.textContent = `${r.method} ${shortened(r.target, r.target_bytes)}`;
    this.end.setAttribute("aria-label", `End request ${r.number}`);
    this.element.classList.toggle("own", Boolean(r.own));
  }

  // All of it. `axis`: what the whole width stands for, in milliseconds.
  draw(now, axis) {
    const r = this.r;
    const parts = parts_of(r, now);
    while (this.#parts.length < parts.length) {
      const part = document.createElement("i");
      part.className = "part";
      this.bar.insertBefore(part, this.mark);
      this.#parts.push(part);
    }
    this.#parts.forEach((element, i) => {
      const part = parts[i];
      element.hidden = !part;
      if (!part) return;
      element.dataset.kind = part.kind;
      element.style.left = `${Math.min(100, (part.from / axis) * 100)}%`;
      element.style.width = `max(${r.end ? 2 : 1}px, ${Math.min(100, ((part.to - part.from) / axis) * 100)}%)`;
    });
    this.mark.hidden = !r.context_ended;
    if (r.context_ended) {
      const at = Math.max(0, r.context_ended.at - r.started);
      this.mark.style.left = `${Math.min(99, (at / axis) * 100)}%`;
    }
    this.#growing = r.end ? null : { element: this.#parts[parts.length - 1], from: parts.at(-1).from };
    this.#steps = r.steps.length;
    this.element.dataset.kind = r.end ? "" : r.state;
    this.element.classList.toggle("over", Boolean(r.end));
    this.end.disabled = Boolean(r.end) || Boolean(r.context_ended);
    this.name.setAttribute("aria-pressed", Boolean(r.kept));
    this.#say(now);
  }

  // Only what moves. Whether anything does.
  grow(now, axis) {
    if (!this.#growing || this.r.end || this.#steps !== this.r.steps.length) return false;
    const { element, from } = this.#growing;
    element.style.width = `${Math.min(100, ((now - this.r.started - from) / axis) * 100)}%`;
    return true;
  }

  #say(now) {
    const r = this.r;
    const took = duration(((r.end ? r.ended : now) - r.started) * 1000);
    let words;
    let icon;
    if (r.end) {
      icon = icon_of(r.end);
      const why = words_of(r.end) + (r.by ? ` at ${shortened(r.by.client)}` : "");
      words = r.stop_us != null ? `stopped in ${duration(r.stop_us)}: ${why}` : `${why}, ${took}`;
    } else {
      [words, icon] = states[r.state];
      if (r.context_ended) {
        const since = duration((now - r.context_ended.at) * 1000);
        words = `${words}, ${since}: ${words_of(r.context_ended.cause)}`;
      } else {
        words = `${words}, ${took}`;
      }
    }
    if (words === this.#words) return;
    this.#words = words;
    this.said.textContent = words;
    this.how.title = words;
    this.use.setAttribute("href", `#${icon}`);
  }
}
