// How a request can end: its words and the name of its icon in index.html.

const all = {
  completed: ["answered", "done"],
  client_closed: ["client closed", "left"],
  client_reset: ["client reset", "left"],
  client_vanished: ["client vanished", "vanished"],
  deadline: ["deadline passed", "clock"],
  shutdown: ["server stops", "power"],
  operator: ["ended by an operator", "stop"],
  operator_request: ["ended by an operator", "stop"],
  rejected: ["no room for it", "full"],
  failed: ["it failed", "failed"],
  bad_request: ["it was wrong", "failed"],
};

export const names_of_ends = Object.keys(all).filter((name) => name !== "operator_request");

export function words_of(end) {
  return all[end]?.[0] ?? String(end);
}
export function icon_of(end) {
  return all[end]?.[1] ?? "failed";
}
