// The stream of events: read with fetch, as EventSource cannot send a token. It comes back by itself
// after a break, goes on where it was, and sleeps while nobody looks at the page.

import { ask_server, needs_token, problem_of } from "./api";
import { event_parser } from "./sse";

const silent_ms = 6000;  // the numbers come once a second
const hidden_ms = 5000;
const longest_pause_ms = 10_000;

// `on_event(name, data)` for each event; `on_state("connected" | "lost" | "needs_token" |
// "asleep", why)`.
export class stream {
  #on_event;
  #on_state;
  #parser = new event_parser();
  #abort = null;
  #pause_ms = 500;
  #asleep = false;
  #wake = null;

  constructor(on_event, on_state) {
    this.#on_event = on_event;
    this.#on_state = on_state;
  }

  async run() {
    this.#sleep_while_hidden();
    for (;;) {
      while (this.#asleep) {
        this.#on_state("asleep", "");
        await new Promise((resolve) => { this.#wake = resolve; });
      }
      let why = "";
      let waits_for_person = false;
      try {
        await this.#read();
        why = "the server has ended the stream";
      } catch (e) {
        waits_for_person = e instanceof needs_token;
        why = e.name === "AbortError" ? "no word from the server" : e.message;
      }
      if (this.#asleep) continue;
      if (waits_for_person) {
        this.#on_state("needs_token", why);
        await new Promise((resolve) => { this.#wake = resolve; });
      } else {
        this.#on_state("lost", why);
        await this.#pause();
      }
    }
  }

  // Now, instead of after the pause.
  again() {
    this.#wake?.();
  }

  async #read() {
    this.#abort = new AbortController();
    let watch = setTimeout(() => this.#abort.abort(), silent_ms * 3);
    try {
      const last = this.#parser.last_id;
      const answer = await ask_server("/requests/events", {
        signal: this.#abort.signal,
        headers: { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) },
      });
      if (!answer.ok) throw new Error(await problem_of(answer));
      const fresh = new event_parser();
      fresh.last_id = last;
      this.#parser = fresh;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      this.#on_state("connected", "");
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        this.#pause_ms = 500;
        clearTimeout(watch);
        watch = setTimeout(() => this.#abort.abort(), silent_ms);
        this.#parser.push(value, (name, data) => this.#on_event(name, JSON.parse(data)));
      }
    } finally {
      clearTimeout(watch);
      this.#abort.abort();
    }
  }

  async #pause() {
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, this.#pause_ms * (0.75 + Math.random() / 2));
    });
    this.#pause_ms = Math.min(this.#pause_ms * 2, longest_pause_ms);
  }

  #sleep_while_hidden() {
    let soon = 0;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(soon);
      if (document.hidden) {
        soon = setTimeout(() => {
          this.#asleep = true;
          this.#abort?.abort();
          this.#wake?.();
        }, hidden_ms);
      } else if (this.#asleep) {
        this.#asleep = false;
        this.#wake?.();
      }
    });
    // A page that is kept for the way back must not hold a connection.
    addEventListener("pagehide", () => this.#abort?.abort());
  }
}
