// Puts the page together: what the stream says goes to the parts that show it.

import { forget_clock, heard, server_now } from "./clock";
import { forget_question } from "./end_it";
import { jobs } from "./jobs";
import { numbers } from "./numbers";
import { bounds } from "./bounds";
import { words_of_left_out } from "./left_out";
import { is_quiet, quiet_headers } from "./quiet";
import { replicas } from "./replicas";
import { requests } from "./requests";
import { say_seldom } from "./say";
import { stream } from "./stream";
import { timeline } from "./timeline";
import { tries } from "./tries";
import { is_server, json_of, may_ask_again, this_server } from "./api";
import { visible } from "./text";

const known = new requests();
const lanes = new timeline(known);
const shown_numbers = new numbers();
const shown_bounds = new bounds();
const shown_jobs = new jobs();
const shown_replicas = new replicas();
const offered = new tries();

let routes_known = false;
let connected = false;
let away = null;

function greet(d) {
  away = null;
  forget_clock();
  heard(d.now_ms);
  const before = this_server();
  if (before !== null && before !== d.server) {
    forget_question();  // it is about a request that has gone
    known.forget();
    shown_numbers.forget();
    routes_known = false;
  }
  if (!routes_known) offer();
  if (before !== null) lanes.doubt();  // much may have begun and ended meanwhile
  is_server(d.server);
  document.getElementById("version").textContent = `hangup ${visible(d.version)}`;
}

function hear(name, d) {
  if (name === "hello") return greet(d);
  if (d.at_ms !== undefined) heard(d.at_ms);
  if (name === "stats") {
    shown_numbers.add(d);
    shown_bounds.show(d);
    show_left_out(d);
    if (lanes.stale(d.in_flight)) reconcile();
    return;
  }
  if (name === "left_out") {
    if (d.why !== "many") lanes.doubt();
    if (d.why === "away" || d.why === "gap") away = d;
    return;
  }
  if (is_quiet(d)) return;
  known.apply(name, d);
  note_own(known.get(d.number));
  if (name === "ended") {
    offered.ended(d);
    shown_jobs.heard(d);
  }
  lanes.changed();
}

function show_left_out(d) {
  const place = document.getElementById("left-out");
  const words = words_of_left_out(d, away);
  if (place.textContent !== words) place.textContent = words;
}

function note_own(r) {
  if (r && offered.started_here(r.id)) r.own = true;
}

// Begins and ends may have been left out: what is in flight is asked for, as far as it is listed.
async function reconcile() {
  try {
    const before = server_now();
    const page = await json_of("/requests?limit=1000", { headers: quiet_headers });
    if (page.server !== this_server()) return;  // the numbers are those of another
    const now = server_now();
    for (const r of page.in_flight) {
      if (is_quiet(r) || r.route === "/requests/events") continue;
      known.found(r, now);
      note_own(known.get(r.number));
    }
    const numbers = page.in_flight.map((r) => r.number);  // the lowest first
    const all = page.total <= numbers.length;
    known.keep_only(new Set(numbers), all ? Infinity : numbers.at(-1), before);
    lanes.changed();
  } catch {  // the next numbers ask again
  }
}

const words = {
  connected: "connected", lost: "not connected", needs_token: "needs a token",
  asleep: "sleeps until you are back" };
const banners = {
  lost: ["Connection lost.", "What is below is from before. It comes back by itself.", "Try now"],
  needs_token: ["This server asks for a token.", "Nothing is asked of it until you enter one.", "Enter the token"] };

function show_state(state, why) {
  const place = document.getElementById("connection");
  place.dataset.state = state;
  place.querySelector(".words").textContent = words[state];
  const banner = document.getElementById("lost");
  banner.hidden = !banners[state];
  if (banners[state]) {
    const [what, next, button] = banners[state];
    banner.querySelector("strong").textContent = what;
    banner.querySelector(".why").textContent = state === "lost" && why ? `(${visible(why)})` : "";
    banner.querySelector(".next").textContent = next;
    banner.querySelector("button").textContent = button;
  }
  if (state === "connected" && !connected) say_seldom("Connected to the server.");
  connected = state === "connected";
  document.body.classList.toggle("frozen", state !== "connected");
  lanes.connected(connected);
}

async function offer() {
  routes_known = true;
  let routes = null;
  let databases = [];
  let why = "";
  try {
    routes = (await json_of("/", { headers: quiet_headers })).routes;
    if (routes.some((r) => r.path === "/query")) databases = (await json_of("/query", { headers: quiet_headers })).databases;
  } catch (e) {
    routes_known = false;
    routes = null;
    why = e.message;
  }
  offered.offer(routes, databases, why);
  shown_jobs.offer(routes, why);
  shown_replicas.offer(routes ?? []);
}

const events = new stream(hear, show_state);
document.querySelector("#lost button").onclick = () => {
  may_ask_again();
  events.again();
};
addEventListener("token", () => events.again());
document.getElementById("pause").onclick = (e) => {
  const paused = lanes.pause();
  e.target.setAttribute("aria-pressed", paused);
};
addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
offer();
events.run();
