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
  rejected: ["refused (503)", "full"],
  failed: ["failed (5xx)", "failed"],
  bad_request: ["bad request (4xx)", "failed"],
};

export const names_of_ends = Object.keys(all).filter((name) => name !== "operator_request");

export function words_of(end) {
  return all[end]?.[0] ?? String(end);
}
export function icon_of(end) {
  return all[end]?.[1] ?? "failed";
}
