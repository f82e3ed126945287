"""Charts as SVG, drawn with Python's standard library. One style sheet for each picture and whole pixels keep
them small: save() refuses a picture of more than 20 KB, because they are committed."""
import math, sys
from xml.sax.saxutils import escape

most_bytes = 20_000
style = ("text{font:11px sans-serif;fill:#222}.t{font-weight:bold;font-size:12px}.s{font-size:9px}"
         ".m{text-anchor:middle}.e{text-anchor:end}.a{stroke:#222}.g{stroke:#e4e4e4}.w{stroke:#0006}")


class picture:
    def __init__(self, width, height):
        self.width, self.height, self.parts = width, height, []

    def text(self, x, y, what, kind=""):
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}"' + (f' class="{kind}"' if kind else "") + f">{escape(what)}</text>")

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f'<path class="{kind}" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>')

    def rectangle(self, x, y, width, height, color):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>')

    def curve(self, points, color):
        path = "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
        self.parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')

    def dot(self, x, y, color):
        self.parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{color}"/>')

    def legend(self, colors):
        """Names and their colors in a row at the bottom."""
        widths = [36 + 6.2 * len(name) for name in colors]
        x = (self.width - sum(widths)) / 2
        for (name, color), width in zip(colors.items(), widths):
            self.rectangle(x, self.height - 16, 10, 10, color)
            self.text(x + 14, self.height - 7, name)
            x += width

    def save(self, file):
        said = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}">'
                f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(self.parts) + "\n</svg>\n")
        if len(said.encode()) > most_bytes:
            sys.exit(f"{file}: {len(said.encode())} bytes, allowed are {most_bytes}")
        with open(file, "w", encoding="utf-8") as out:
            out.write(said)


def steps(most):
    """Round numbers from 0 to `most`, five of them or so."""
    size = 10 ** math.floor(math.log10(most / 4))
    size *= next(k for k in (1, 2, 5, 10) if most / (k * size) <= 6)
    return [k * size for k in range(int(most / size) + 1)]


def decades(least, most):
    return [10.0 ** k for k in range(math.ceil(math.log10(least)), math.floor(math.log10(most)) + 1)]


def bars(to, box, title, groups, series, values, text, log=None):
    """A panel with a bar for the median of each series in each group, and a line from the least to the most.
    box: left, top, right, bottom of what the axes enclose. series: {name: color}. values(group, name) gives the
    measured numbers, none of which leaves the bar out. log: (least, most) of a logarithmic axis."""
    left, top, right, bottom = box
    found = {(g, s): sorted(v) for g in groups for s in series if (v := values(g, s))}
    most = max((v[-1] for v in found.values()), default=1) * 1.1
    if log:
        least, most = log
        at = lambda v: bottom - (bottom - top) * math.log(max(v, least) / least) / math.log(most / least)
    else:
        at = lambda v: bottom - (bottom - top) * v / most
    to.text(left - 30, top - 12, title, "t")
    for tick in decades(*log) if log else steps(most):
        to.line(left, at(tick), right, at(tick), "g")
        to.text(left - 5, at(tick) + 4, text(tick), "e s")
    wide = (right - left) / len(groups)
    each = 0.84 * wide / len(series)
    for g, group in enumerate(groups):
        for s, (name, color) in enumerate(series.items()):
            if (group, name) not in found:
                continue
            of = found[group, name]
            x = left + wide * (g + 0.08) + each * s
            middle = of[len(of) // 2] if len(of) % 2 else (of[len(of) // 2 - 1] + of[len(of) // 2]) / 2
            to.rectangle(x + 1, at(middle), each - 2, bottom - at(middle), color)
            if of[0] != of[-1]:
                to.line(x + each / 2, at(of[0]), x + each / 2, at(of[-1]), "w")
            to.text(x + each / 2, at(of[-1]) - 3, text(middle), "m s")
        for row, line in enumerate(group.split("\n")):
            to.text(left + wide * (g + 0.5), bottom + 16 + 13 * row, line, "m")
    to.line(left, bottom, right, bottom, "a")


def log_axis(to, box, least, most, text):
    """Draws a logarithmic axis below the box; returns the function from a value to its x."""
    left, top, right, bottom = box
    at = lambda v: left + (right - left) * math.log(min(max(v, least), most) / least) / math.log(most / least)
    for tick in decades(least, most):
        to.line(at(tick), top, at(tick), bottom, "g")
        to.text(at(tick), bottom + 15, text(tick), "m s")
    to.line(left, bottom, right, bottom, "a")
    return at
