// The oldest requests of all replicas, where admin.peers names some.

import { json_of } from "./api";
import { end_of_replica } from "./end_it";
import { quiet_headers } from "./quiet";
import { duration, grouped, shortened } from "./text";

const each = 20;
const every_ms = 3000;

export class replicas {
  #place = document.getElementById("replicas");
  #last = "";
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
        this.#show(page.replicas);
      } catch (e) {
        this.#place.querySelector("ul").textContent = `The replicas are not known: ${e.message}`;
      }
    }
    this.#soon = setTimeout(() => this.#look(), every_ms);
  }

  // A button that is about to be pressed stays as long as nothing changes but the age.
  #show(all) {
    this.#place.querySelector("ul").replaceChildren(...all.map((one) => {
      const line = document.createElement("li");
      line.textContent = shortened(one.error === null
        ? `${one.replica}: ${grouped(one.total)} in flight` : `${one.replica} does not answer: ${one.error}`, 0, 300);
      return line;
    }));
    const rows = all.flatMap((one) => (one.in_flight ?? [])
      .filter((r) => r.route !== "/requests")
      .map((r) => ({ ...r, replica: one.replica })));
    const body = this.#place.querySelector("tbody");
    this.#place.querySelector("table").hidden = !rows.length;
    const keys = rows.map((r) => r.key + r.state).join();
    if (keys !== this.#last) body.replaceChildren(...rows.map(row_of));
    this.#last = keys;
    rows.forEach((r, i) => { body.rows[i].cells[4].textContent = duration(r.age_ms * 1000); });
  }
}

function row_of(r) {
  const row = document.createElement("tr");
  for (const text of [r.replica, `#${r.number}`, `${r.method} ${r.target}`, r.state, ""]) {
    row.insertCell().textContent = shortened(text);
  }
  const button = document.createElement("button");
  button.textContent = "End";
  button.setAttribute("aria-label", `End request ${r.number} of ${r.replica}`);
  button.onclick = () => end_of_replica(r);
  row.insertCell().append(button);
  return row;
}
