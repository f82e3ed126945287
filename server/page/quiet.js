// What the page asks for by itself, again and again, is not shown as a request of anybody.

const quiet_id = `page-quiet-${crypto.getRandomValues(new Uint32Array(1))[0].toString(16)}`;
const routes = ["/jobs", "/query", "/requests", "/replicas/requests"];
const files = ["/", "/page/{file}"];  // a browser asks for these without our header

export const quiet_headers = { "X-Request-Id": quiet_id };

// Also those of the same page on another replica. Nobody else can hide behind such an id: only
// these routes are meant. The files of the page are short answers of any page.
export function is_quiet(r) {
  if (r.method !== "GET") return false;
  return files.includes(r.route) || (String(r.id).startsWith("page-quiet-") && routes.includes(r.route));
}
