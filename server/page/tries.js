// Starts slow requests from the page, and hangs up on them.

import { problem_of } from "./api";
import { words_of } from "./ends";
import { say } from "./say";
import { duration, grouped, quoted, shortened, visible } from "./text";
import { command_for, tries_for } from "./try_list";

const made_of = document.getElementById("one-try");
const id_of_page = `page-${crypto.getRandomValues(new Uint32Array(1))[0].toString(16)}`;
let last = 0;

// One try: its buttons, and the requests that it has going.
class one_try {
  #going = new Map();  // by id: what aborts it
  #bytes = 0;

  constructor(t) {
    this.t = t;
    this.element = made_of.content.firstElementChild.cloneNode(true);
    const find = (what) => this.element.querySelector(what);
    find("h3").textContent = t.name;
    find(".about").textContent = t.missing ? `${t.about} ${t.missing}` : t.about;
    this.start = find(".start");
    this.hang_up = find(".hang-up");
    this.state = find(".state");
    this.start.disabled = Boolean(t.missing);
    this.start.setAttribute("aria-label", `Start: ${t.name}`);
    this.start.onclick = () => this.#begin();
    this.hang_up.onclick = () => this.leave(t.count > 1 ? t.count - 1 : 1);
    if (t.count > 1) this.hang_up.textContent = `Hang up on ${t.count - 1}`;
    this.hang_up.setAttribute("aria-label", `${this.hang_up.textContent}: ${t.name}`);
    if (t.detached) this.hang_up.hidden = true;
    const command = find("code");
    command.textContent = command_for(t, location.origin, quoted);
    const copy = find(".copy");
    copy.setAttribute("aria-label", `Copy the command: ${t.name}`);
    copy.onclick = () => copy_text(command);
  }

  has(id) {
    return this.#going.has(id);
  }
  get goes_on() {
    return this.#going.size > 0;
  }

  #begin() {
    this.#bytes = 0;
    this.state.textContent = "asked";
    for (let i = 0; i < this.t.count; ++i) this.#ask();
    this.#buttons();
  }

  // Without credentials: a browser keeps such connections apart, so those of the page itself (its
  // stream, an operator's DELETE) do not wait for a free one.
  async #ask() {
    const id = `${id_of_page}-${++last}`;
    const abort = new AbortController();
    this.#going.set(id, abort);
    try {
      const answer = await fetch(this.t.target, {
        method: this.t.method, signal: abort.signal, cache: "no-store", credentials: "omit",
        headers: { "X-Request-Id": id, Accept: "*/*" },
      });
      if (!answer.ok) {
        this.state.textContent = shortened(await problem_of(answer), 0, 300);
        return;
      }
      await this.#read(answer);
      if (!this.#others(id)) this.state.textContent = this.t.detached ? "accepted: see Jobs" : `answered in full, ${grouped(this.#bytes)} bytes`;
    } catch (e) {
      if (e.name !== "AbortError" && !this.#others(id)) this.state.textContent = `broken off: ${e.message}`;
    } finally {
      this.#going.delete(id);
      this.#buttons();
    }
  }

  #others(id) {
    return [...this.#going.keys()].some((other) => other !== id);
  }

  async #read(answer) {
    const reader = answer.body.getReader();
    for (let shown = 0;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.#bytes += value.byteLength;
      if (this.t.slowly) await new Promise((resolve) => setTimeout(resolve, 250));
      if (performance.now() - shown > 200) {
        shown = performance.now();
        this.state.textContent = `${grouped(this.#bytes)} bytes so far`;
      }
    }
  }

  leave(count) {
    const some = [...this.#going.entries()].slice(0, count);
    this.state.textContent = `hung up${count > 1 ? ` on ${some.length}` : ""}`;
    for (const [, abort] of some) abort.abort();
  }

  #buttons() {
    this.start.disabled = Boolean(this.t.missing) || this.goes_on;
    this.hang_up.disabled = !this.goes_on;
  }

  // The server's word on a request of this try.
  ended(d) {
    if (d.stop_us == null) return;
    const words = `${words_of(d.end)}; the work stopped in ${duration(d.stop_us)}`;
    this.state.textContent = words;
    if (this.t.count === 1) say(`${this.t.name}: ${words}`);
  }
}

async function copy_text(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    say("Copied.");
  } catch {  // only a page of https or of this machine may
    getSelection().selectAllChildren(element);
    say("Selected: press Ctrl-C to copy.");
  }
}

export class tries {
  #all = [];
  #started = new Map();  // by id

  constructor() {
    addEventListener("pagehide", () => { for (const one of this.#all) one.leave(Infinity); });
  }

  // Null: the routes are not known, and why.
  offer(routes, databases, why) {
    if (this.#all.some((one) => one.goes_on)) return;
    const missing = routes ? {} : { missing: `What this server has is not known: ${visible(why)}.` };
    this.#all = tries_for(routes ?? [], databases).map((t) => new one_try({ ...t, ...missing }));
    document.getElementById("tries").replaceChildren(...this.#all.map((one) => one.element));
  }

  started_here(id) {
    if (!String(id).startsWith(`${id_of_page}-`)) return false;
    const from = this.#all.find((one) => one.has(id));
    if (from) this.#started.set(id, from);
    return true;
  }
  ended(d) {
    this.#started.get(d.id)?.ended(d);
    this.#started.delete(d.id);
  }
}
