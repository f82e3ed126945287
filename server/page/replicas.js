// The oldest requests of all replicas, where admin.peers names some.

import { json_of } from "./api";
import { end_of_replica } from "./end_it";
import { is_quiet, quiet_headers } from "./quiet";
import { duration, grouped, shortened } from "./text";

const each = 20;
const every_ms = 3000;

export class replicas {
  #place = document.getElementById("replicas");
  #rows = new Map();  // by request: see name_of()
  #soon = 0;

  offer(routes) {
    const there = routes.some((r) => r.method === "GET" && r.path === "/replicas/requests");
    this.#place.hidden = !there;
    clearTimeout(this.#soon);
    if (there) this.#look();
  }

  async #look() {
    if (!document.hidden) {
      try {
        const page = await json_of(`/replicas/requests?limit=${each}`, { headers: quiet_headers });
        this.#show(list_of(page.replicas));
      } catch (e) {
        this.#place.querySelector("ul").textContent = shortened(`The replicas are not known: ${e.message}`, 0, 1000);
        this.#place.querySelector("table").hidden = true;  // what it shows is over, maybe
      }
    }
    this.#soon = setTimeout(() => this.#look(), every_ms);
  }

  // Rows stay those of their requests: a button that has the focus keeps it.
  #show(all) {
    this.#place.querySelector("ul").replaceChildren(...all.map((one) => {
      const line = document.createElement("li");
      line.textContent = shortened(one.error == null
        ? `${one.replica}: ${Number.isFinite(one.total) ? grouped(one.total) : "some"} in flight`
        : `${one.replica} does not answer: ${one.error}`, 0, 600);
      return line;
    }));
    const shown = all.flatMap((one) => list_of(one.in_flight)
      .filter((r) => r.key && !is_quiet(r) && r.route !== "/requests/events")
      .map((r) => ({ ...r, replica: one.replica })));
    const before = this.#rows;
    this.#rows = new Map();
    for (const r of shown) this.#rows.set(name_of(r), this.#rows.get(name_of(r)) ?? before.get(name_of(r)) ?? row_of(r));
    for (const [name, row] of before) if (!this.#rows.has(name)) row.remove();
    const table = this.#place.querySelector("table");
    table.hidden = !shown.length;
    [...this.#rows.values()].forEach((row, i) => {
      const there = table.tBodies[0].rows[i];
      if (there !== row) table.tBodies[0].insertBefore(row, there ?? null);
    });
    for (const r of shown) {
      const { cells } = this.#rows.get(name_of(r));
      cells[3].textContent = shortened(r.state);
      cells[4].textContent = duration(r.age_ms * 1000);
    }
  }
}

// What another version of the server may have sent otherwise is left out, and not the whole page.
function list_of(value) {
  return Array.isArray(value) ? value.filter((one) => one !== null && typeof one === "object") : [];
}

// A replica that begins anew begins with the same numbers. Then the row is that of another request.
function name_of(r) {
  return `${r.key} ${r.id} ${r.method} ${r.target}`;
}

function row_of(r) {
  const row = document.createElement("tr");
  for (const text of [r.replica, `#${r.number}`, `${r.method} ${r.target}`, "", ""]) {
    row.insertCell().textContent = shortened(text);
  }
  const button = document.createElement("button");
  button.textContent = "End";
  button.setAttribute("aria-label", `End request ${r.number} of ${r.replica}`);
  button.onclick = () => end_of_replica(r);
  row.insertCell().append(button);
  return row;
}
