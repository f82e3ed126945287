// The pools and the databases' connections, each with its bound.

import { grouped, shortened } from "./text";

export class bounds {
  show(d) {
    fill("pools", d.pools ?? [], (p) => [p.name, [p.busy, p.workers], [p.queued, p.queue]], "No pool.");
    fill("databases", d.databases ?? [], (b) => [b.name, b.kind, [b.in_use, b.max]], "No database.");
  }
}

function fill(id, all, cells_of, none) {
  const place = document.getElementById(id);
  if (place.dataset.of !== String(all.length)) {
    place.replaceChildren();
    place.dataset.of = all.length;
    if (!all.length) {
      const cell = place.insertRow().insertCell();
      cell.colSpan = 3;
      cell.textContent = none;
    }
  }
  all.forEach((one, i) => {
    const row = place.rows[i] ?? place.insertRow();
    cells_of(one).forEach((value, column) => show(cell_at(row, column), value));
  });
}

function cell_at(row, column) {
  if (row.cells[column]) return row.cells[column];
  if (column > 0) return row.insertCell();
  const head = document.createElement("th");
  head.scope = "row";
  return row.appendChild(head);
}

// A text, or how much of how much.
function show(cell, value) {
  const pair = Array.isArray(value);
  const text = pair ? `${grouped(value[0] ?? 0)} of ${grouped(value[1] ?? 0)}` : shortened(value);
  if (cell.dataset.text === text) return;
  cell.dataset.text = text;
  cell.textContent = text;
  if (!pair) return;
  const fill = document.createElement("span");
  fill.className = value[0] >= value[1] ? "fill full" : "fill";
  const part = document.createElement("i");
  part.style.width = `${Math.min(100, (100 * (value[0] ?? 0)) / Math.max(1, value[1] ?? 0))}%`;
  fill.append(part);
  cell.append(fill);
}
