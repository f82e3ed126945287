// What can be tried, with the targets that this server has. Without the document.

const no_route = "This server has no such route here";

export function tries_for(routes, databases) {
  const has = (method, path) => routes.some((r) => r.method === method && r.path === path);
  const sql = databases.filter((d) => d.kind !== "simulated");
  const hopeless = sql.find((d) => d.reports?.some((r) => r.name === "cross"));
  const crunching = sql.find((d) => d.reports?.some((r) => r.name === "crunch"));
  const one = (name, about, target, missing, more = {}) =>
    ({ name, about, target, missing, method: "GET", count: 1, ...more });
  const path_missing = (path) => (has("GET", path) ? "" : `${no_route}: ${path}.`);
  return [
    one("Simulated query", "200 rows, each takes 100 ms. It holds a worker while it waits, and hears the end in its wait.",
      "/query/sim?rows=200&row_ms=100", path_missing("/query/sim")),
    one("Simulated query, as a task", "The same, and no thread is held.",
      "/query/sim/task?rows=200&row_ms=100", path_missing("/query/sim/task")),
    one("Spin, looking", "Computes for 20 s, and looks at its context.",
      "/spin?ms=20000", path_missing("/spin")),
    one("Spin, not looking", "Computes for 5 s and never looks: see it run on after the hang-up. Only where spin.allow_deaf is true.",
      "/spin?ms=5000&look=0", path_missing("/spin")),
    one("A hopeless join", "Every customer with every other and every third. The query is stopped in the engine.",
      `${hopeless?.path ?? "/query/sqlite"}?report=cross`, hopeless ? "" : "No database here has the report cross."),
    one("Search, read slowly", "All lines with an e, for a client that takes its time: the search goes no faster than they are read.",
      "/search?pattern=e", path_missing("/search"), { slowly: true }),
    one("Fan-out", "The hopeless join in four parts at the same time. All stop.",
      "/fanout?parts=4&report=cross", path_missing("/fanout") || (hopeless ? "" : "No database here has the report cross.")),
    one("A detached job", "It goes on when its client has left: end it under Jobs.",
      `${crunching?.path ?? "/query/sqlite"}?report=crunch&n=1000000000&detach=1`,
      crunching && has("POST", crunching.path) ? "" : "No database here has the report crunch.", { method: "POST", detached: true }),
    one("Twenty at once, nineteen leave", "A browser opens six connections to one server. So six of these twenty reach it at once, and the others wait in the browser. Hang up on nineteen, and one stays. The command sends all twenty; --max-time is their hang-up.",
      "/query/sim?rows=100&row_ms=100", path_missing("/query/sim"), { count: 20 }),
  ];
}

// What to type for the same.
export function command_for(t, origin, quoted) {
  const url = origin + t.target;
  if (t.count > 1) {
    return `curl -sN --parallel --parallel-immediate --parallel-max ${t.count} --max-time 3 ${quoted(`${url}&of=[1-${t.count}]`)}`;
  }
  return `curl -sN ${t.slowly ? "--limit-rate 100k " : ""}${t.method === "GET" ? "" : `-X ${t.method} `}${quoted(url)}`;
}
