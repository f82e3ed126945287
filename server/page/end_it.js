// Ends a request or a job, after having asked once.

import { ask_server, may_ask_again, problem_of, this_server } from "./api";
import { say } from "./say";
import { shortened } from "./text";

const dialog = document.getElementById("ask");
const reason = dialog.querySelector("input");

// One question after the other: a dialog tells of its end a moment after it has closed.
let asked = Promise.resolve();
function sure(title, what, with_reason) {
  asked = asked.then(() => ask(title, what, with_reason));
  return asked;
}

// What is asked about is there no more.
export function forget_question() {
  dialog.close();
}

function ask(title, what, with_reason) {
  return new Promise((resolve) => {
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector(".what").textContent = what;
    dialog.querySelector("label").hidden = !with_reason;
    reason.value = "";
    let said = null;
    dialog.querySelector("form").onsubmit = (e) => {
      e.preventDefault();
      said = reason.value.trim();
      dialog.close();
    };
    dialog.querySelector(".no").onclick = () => dialog.close();
    dialog.onclose = () => resolve(said);
    dialog.showModal();
  });
}

async function end(name, target) {
  may_ask_again();  // the person wants something now
  try {
    const answer = await ask_server(target, { method: "DELETE" });
    if (answer.ok) say(`${name} has been told to stop.`);
    else if (answer.status === 404) say(`${name} is over already.`);
    else say(`${name} goes on: ${await problem_of(answer)}`);
  } catch (e) {
    say(`${name} goes on: ${e.message}`);
  }
}

export async function end_request(r) {
  const of = this_server();
  const why = await sure(`End request ${r.number}?`, `${r.method} ${shortened(r.target, r.target_bytes)}, of ${r.client}. Its client gets a 503, or an answer that breaks off.`, true);
  if (why === null) return;
  await end(`Request ${r.number}`, `/requests/${r.number}?server=${encodeURIComponent(of)}${why ? `&reason=${encodeURIComponent(why)}` : ""}`);
}

export async function end_of_replica(r) {
  const why = await sure(`End request ${r.number} of ${r.replica}?`, `${r.method} ${shortened(r.target, r.target_bytes)}, of ${r.client}.`, false);
  if (why !== null) await end(`Request ${r.number} of ${r.replica}`, `/replicas/requests/${encodeURIComponent(r.key)}`);
}

export async function end_job(job) {
  const why = await sure("End this job?", `${job.id}: ${shortened(job.what)}`, false);
  if (why !== null) await end(`Job ${job.id.slice(0, 8)}`, `/jobs/${encodeURIComponent(job.id)}`);
}
