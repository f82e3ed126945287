// What the page knows of single requests: made of the events, without the document.

const most_ended = 300;
const most_at_all = 3000;
const listed_after_ms = 1000;  // what is younger may not have been in the list

// The kind of a part of a lane. A task that waits is shown as running: its work goes on elsewhere.
// What has been received waits for the rest of its body, if there is more, and for its turn.
function kind_of(state) {
  if (state === "received") return "queued";
  if (state === "stopping" || state.startsWith("canceled")) return "stopping";
  return state === "queued" || state === "writing" ? state : "running";
}

export class requests {
  #all = new Map();  // by number, the newest last
  #ended = 0;

  get(number) {
    return this.#all.get(number);
  }
  get size() {
    return this.#all.size;
  }
  // What is in flight is not known any more, as the server is another one.
  forget() {
    this.#all.clear();
    this.#ended = 0;
  }

  apply(name, d) {
    let known = this.#all.get(d.number);
    if (name === "began") return this.#begin(d, known);
    if (name === "ended") return this.#end(d, known);
    if (!known && d.started_ms !== undefined) {  // its begin was one of too many
      this.#begin({ ...d, state: "running" });
      known = this.#all.get(d.number);
    }
    if (!known || known.end) return;
    if (name === "state") step(known, kind_of(d.state), d.at_ms);
    else if (name === "context_ended") {
      known.context_ended = { cause: d.cause, text: d.text, at: d.at_ms };
      if (known.state !== "queued") step(known, "stopping", d.at_ms);
    } else if (name === "late") {
      known.late = true;
      if (!known.context_ended) {  // its begin and the end of its context were left out
        const at = d.at_ms - d.since_ms;
        known.context_ended = { cause: d.cause, text: d.text, at };
        step(known, "stopping", at);
      }
    }
  }

  // A request in flight as /requests tells of it, of which nothing may have been heard.
  found(r, now) {
    if (this.#all.has(r.number)) return;
    this.#begin({ ...r, at_ms: now - r.age_ms });
    this.#all.get(r.number).found = true;
  }

  // Whether one is in flight whose end the server may not tell, as it has not told its begin.
  any_found() {
    return [...this.#all.values()].some((r) => r.found && !r.end);
  }

  // These are the numbers of all in flight up to this one. Others that began before have ended while
  // nobody said so.
  keep_only(numbers, up_to, now) {
    for (const [number, r] of this.#all) {
      const listed = number <= up_to && r.started < now - listed_after_ms;
      if (!r.end && listed && !numbers.has(number)) this.#all.delete(number);
    }
  }

  #begin(d, known) {
    if (known) return;
    this.#all.set(d.number, {
      ...about(d),
      started: d.started_ms ?? d.at_ms,
      state: kind_of(d.state),
      steps: [{ kind: kind_of(d.state), at: d.started_ms ?? d.at_ms }],
      context_ended: null,
      late: Boolean(d.late),
      end: null,
    });
    if (this.#all.size > most_at_all) this.#drop(() => true, this.#all.size - most_at_all);
  }

  #end(d, known) {
    if (known?.end) return;
    const r = known ?? this.#unseen(d);
    r.end = d.end;
    r.cause = d.cause;
    r.status = d.status;
    r.stop_us = d.stop_us;
    r.by = d.by ?? null;
    r.ended = d.at_ms;
    this.#all.set(d.number, r);
    if (++this.#ended > most_ended) this.#drop((one) => one.end, this.#ended - most_ended);
  }

  // Its end is the first that was heard of it.
  #unseen(d) {
    const started = d.started_ms ?? d.at_ms;
    const r = { ...about(d), started, state: "running", context_ended: null, late: false,
                steps: [{ kind: "running", at: started }] };
    const at = d.context_ended_ms;
    if (at != null) {
      r.context_ended = { cause: d.end, text: d.cause, at };
      step(r, "stopping", at);
    }
    return r;
  }

  #drop(which, count) {
    for (const [number, r] of this.#all) {
      if (count <= 0) return;
      if (which(r) && !r.kept) {
        this.#all.delete(number);
        if (r.end) --this.#ended;
        --count;
      }
    }
  }

  // The `limit` that are most worth a lane, the newest first: those that are kept open; what should
  // have stopped and has not; what did not end well; then the oldest and the newest.
  worth_showing(limit) {
    const newest = [...this.#all.values()].sort((a, b) => b.number - a.number); // not all were told when they began
    const chosen = new Set(newest.filter((r) => r.kept));
    const take = (some, most) => {
      for (const r of some) {
        if (most <= 0 || chosen.size >= limit) return;
        if (!chosen.has(r)) {
          chosen.add(r);
          --most;
        }
      }
    };
    take(newest.filter((r) => r.own && !r.end), limit / 4);
    take(newest.filter((r) => !r.end && (r.late || r.state === "stopping")), limit / 4);
    take(newest.filter((r) => r.end && r.end !== "completed").sort((a, b) => b.ended - a.ended), limit / 4);
    take(newest.filter((r) => !r.end).reverse(), limit / 4);
    take(newest, limit);
    return [...chosen].sort((a, b) => b.number - a.number);
  }
}

function about(d) {
  const { number, id, method, target, target_bytes, client, route, pool, trace } = d;
  return { number, id, method, target, target_bytes, client, route, pool, trace };
}

function step(r, kind, at) {
  if (r.state === "stopping" || r.state === kind) return;
  r.state = kind;
  r.steps.push({ kind, at });
}

// The parts of a lane until now, in milliseconds since its begin.
export function parts_of(r, now) {
  const over = r.end ? r.ended : now;
  return r.steps.map(({ kind, at }, i) => ({
    kind,
    from: Math.max(0, at - r.started),
    to: Math.max(0, (r.steps[i + 1]?.at ?? over) - r.started),
  }));
}

// The end of the axis: the next round number of seconds, a minute at most.
export function axis_for(longest_ms) {
  for (const s of [1, 2, 5, 10, 20, 30]) {
    if (longest_ms <= s * 1000) return s * 1000;
  }
  return 60_000;
}
