// What the page asks for by itself, again and again, is not shown as a request of anybody.

const quiet_id = `page-quiet-${crypto.getRandomValues(new Uint32Array(1))[0].toString(16)}`;
const routes = ["/jobs", "/requests", "/replicas/requests"];

export const quiet_headers = { "X-Request-Id": quiet_id };

// Also those of the same page on another replica. Nobody else can hide behind such an id: only
// these routes are meant.
export function is_quiet(r) {
  return String(r?.id).startsWith("page-quiet-") && r.method === "GET" && routes.includes(r.route);
}
