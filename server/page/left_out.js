// What the page was not told, in words.

import { grouped } from "./text";

// `stats`: the numbers of this second, which the server counts for each stream anew. `away`: the event
// that the stream began with when it came back and something was missing; null: nothing was.
export function words_of_left_out({ not_shown, left_out, missed }, away) {
  const hidden = [];
  if (not_shown > 0) hidden.push(`${grouped(not_shown)} in flight`);
  if (left_out > 0) hidden.push(`${grouped(left_out)} that have ended`);
  const parts = [];
  if (hidden.length) parts.push(`${hidden.join(" and ")} not shown one by one; the numbers count all`);
  if (missed > 0) parts.push(`${grouped(missed)} events missed, as this page was too slow`);
  if (away?.why === "away") parts.push(`${grouped(away.count)} events missed while it was not connected`);
  if (away?.why === "gap") parts.push("what happened while it was not connected is not known");
  return parts.join("; ");
}
