// Requests to the operators' pages of this server. If it demands a token, the person is asked for it.

import { ask_for_token } from "./token";

const kept = "hangup.token";
let asking = null;
let server = null;
let declined = false;  // then nothing is asked of the server until the person wants to

// The server demands a token, and the person has given none.
export class needs_token extends Error {
  constructor() {
    super("this server asks for a token");
  }
}

// Which server answers, as it says itself: another that takes its place uses the same numbers again.
export function is_server(id) {
  server = id;
}
export function this_server() {
  return server;
}

export function may_ask_again() {
  declined = false;
}

function headers_with_token(more) {
  const token = sessionStorage.getItem(kept);
  return token ? { ...more, Authorization: `Bearer ${token}` } : { ...more };
}

// As fetch(); after a 401 it asks for a token, once for all that wait, and tries again until the
// token is right or the person has given up. Each try without one would be an error in the server's
// history, so there is none.
export async function ask_server(target, options = {}) {
  for (;;) {
    if (declined) throw new needs_token();
    const used = sessionStorage.getItem(kept);
    const answer = await fetch(target, {
      ...options, cache: "no-store", headers: headers_with_token(options.headers) });
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    if (sessionStorage.getItem(kept) !== used) continue;  // another has asked meanwhile
    if (declined) throw new needs_token();
    asking ??= ask_for_token(used !== null).finally(() => { asking = null; });
    const token = await asking;
    if (token === null) {
      declined = true;
      throw new needs_token();
    }
    sessionStorage.setItem(kept, token);
    dispatchEvent(new Event("token"));  // others may have waited for one
  }
}

export async function json_of(target, options = {}) {
  const answer = await ask_server(target, {
    ...options, headers: { Accept: "application/json", ...options.headers } });
  if (!answer.ok) throw new Error(await problem_of(answer));
  return answer.json();
}

// What an answer that is an error says, in a line.
export async function problem_of(answer) {
  try {
    const said = await answer.clone().json();
    return `${answer.status} ${said.title ?? ""}${said.detail ? `: ${said.detail}` : ""}`;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}
