// The jobs. Their list is asked for when something about jobs has happened, and while one goes on.

import { ask_server, problem_of } from "./api";
import { end_job } from "./end_it";
import { quiet_headers } from "./quiet";
import { grouped, shortened } from "./text";

const most = 20;
const while_active_ms = 3000;

export class jobs {
  #place = document.getElementById("jobs");
  #note = document.getElementById("jobs-note");
  #table = this.#place.querySelector("table");
  #there = false;
  #soon = 0;

  constructor() {
    this.#place.querySelector("#look").onclick = () => this.#look();
  }

  // Null: the routes are not known, and why.
  offer(routes, why) {
    this.#there = Boolean(routes?.some((r) => r.method === "GET" && r.path === "/jobs"));
    this.#place.querySelector("#look").disabled = !this.#there;
    if (!routes) this.#note.textContent = `The jobs are not known: ${why}`;
    else this.#note.textContent = this.#there ? "" : "This server has no jobs: it has no database.";
    if (this.#there) this.#look();
  }

  heard(ended) {
    const begins_one = ended.status === 202;
    if (this.#there && (begins_one || String(ended.route).startsWith("/jobs/"))) this.#look_in(200);
  }

  #look_in(ms) {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#look(), ms);
  }

  async #look() {
    if (document.hidden) return this.#look_in(while_active_ms);
    try {
      const answer = await ask_server(`/jobs?limit=${most}`, {
        headers: { Accept: "application/json", ...quiet_headers } });
      if (!answer.ok) throw new Error(await problem_of(answer));
      this.#show((await answer.json()).jobs);
    } catch (e) {
      this.#note.textContent = `The jobs are not known: ${e.message}`;
    }
  }

  #show(all) {
    this.#note.textContent = all.length ? "" : "No job.";
    this.#table.hidden = !all.length;
    this.#table.tBodies[0].replaceChildren(...all.map(row_of));
    if (all.some(goes_on)) this.#look_in(while_active_ms);
  }
}

function goes_on(job) {
  return job.state === "queued" || job.state === "running";
}

function row_of(job) {
  const row = document.createElement("tr");
  const cells = [job.id.slice(0, 8), job.state + (job.cause ? `: ${job.cause}` : ""), job.what, grouped(job.rows)];
  for (const text of cells) row.insertCell().textContent = shortened(text);
  const last = row.insertCell();
  if (goes_on(job)) {
    const button = document.createElement("button");
    button.textContent = "End";
    button.setAttribute("aria-label", `End job ${job.id.slice(0, 8)}`);
    button.onclick = () => end_job(job);
    last.append(button);
  }
  return row;
}
