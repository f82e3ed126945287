// Server-sent events, taken apart. Text comes in pieces that end anywhere.

export class event_parser {
  #rest = "";
  last_id = "";
  retry_ms = 0;

  // Calls `on_event(name, data)` for each event that is complete.
  push(text, on_event) {
    this.#rest += text;
    let from = 0;
    for (;;) {
      const end = /\r?\n\r?\n/g;
      end.lastIndex = from;
      const found = end.exec(this.#rest);
      if (!found) break;
      this.#take(this.#rest.slice(from, found.index), on_event);
      from = end.lastIndex;
    }
    this.#rest = this.#rest.slice(from);
  }

  #take(block, on_event) {
    let name = "message";
    const data = [];
    for (const line of block.split(/\r?\n/)) {
      const colon = line.indexOf(":");
      if (colon === 0) continue;  // a comment, which keeps the connection open
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
      if (field === "event") name = value;
      else if (field === "data") data.push(value);
      else if (field === "id") this.last_id = value;
      else if (field === "retry") this.retry_ms = Number(value) || 0;
    }
    if (data.length) on_event(name, data.join("\n"));
  }
}
