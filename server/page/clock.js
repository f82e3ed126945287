// The server's time, in milliseconds since its start, as near as its events tell it.

let ahead = null;

// The event that was least delayed says it best.
export function heard(at_ms) {
  const now = at_ms - performance.now();
  if (ahead === null || now > ahead) ahead = now;
}
export function forget_clock() {
  ahead = null;
}
export function server_now() {
  return performance.now() + (ahead ?? 0);
}
