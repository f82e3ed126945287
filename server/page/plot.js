// A small line of the last five minutes. Where the page did not look there is a gap.

const ns = "http://www.w3.org/2000/svg";
const span_ms = 300_000;

export class plot {
  #points = [];
  #path = document.createElementNS(ns, "path");

  constructor() {
    this.element = document.createElementNS(ns, "svg");
    this.element.setAttribute("class", "plot");
    this.element.setAttribute("viewBox", "0 0 300 40");
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("aria-hidden", "true");
    this.element.append(this.#path);
  }

  add(at_ms, value) {
    this.#points.push([at_ms, value ?? 0]);
    while (this.#points[0][0] < at_ms - span_ms) this.#points.shift();
    this.#path.setAttribute("d", line_of(this.#points, at_ms));
  }
  forget() {
    this.#points = [];
  }
}

export function line_of(points, now) {
  const most = Math.max(1e-9, ...points.map(([, value]) => value));
  let before = -Infinity;
  let d = "";
  for (const [at, value] of points) {
    const x = (300 - (now - at) / 1000).toFixed(1);
    const y = (38 - (value / most) * 36).toFixed(1);
    d += `${at - before > 5000 ? "M" : "L"}${x} ${y}`;
    before = at;
  }
  return d;
}
