"""Lines on axes that are both logarithmic, as SVG; no library is needed."""
import html
import math

COLOURS = ["#888888", "#c0392b", "#2471a3", "#1e8449", "#b7950b", "#7d3c98", "#ca6f1e", "#117a65"]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 380, 70, 40, 150, 50


def _text(x, y, text, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(text)}</text>\n'


def _decades(low, high):
    """Powers of ten around both, at least one decade."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return first, max(last, first + 1)


def _panel(title, lines, colours, top):
    """LINES: by name, a list of (x, median, least, greatest)."""
    every = [point for line in lines.values() for point in line]
    xs = sorted({point[0] for point in every})
    x_low, x_high = math.log10(xs[0]) - 0.1, math.log10(xs[-1]) + 0.1
    y_low, y_high = _decades(min(point[2] for point in every), max(point[3] for point in every))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x, y):
        return (LEFT + (math.log10(x) - x_low) / (x_high - x_low) * width,
                top + TOP + (y_high - math.log10(y)) / (y_high - y_low) * height)

    bottom = top + TOP + height
    text = _text(LEFT, top + 22, title, 'font-weight="bold"')
    for power in range(y_low, y_high + 1):
        _, y = at(xs[0], 10.0**power)
        text += f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + width}" y2="{y:.1f}" stroke="#dddddd"/>\n'
        text += _text(LEFT - 6, y + 4, f"{10.0**power:,g}" if power < 6 else f"10^{power}", 'text-anchor="end"')
    for x in xs:
        across, _ = at(x, 1)
        text += f'<line x1="{across:.1f}" y1="{bottom}" x2="{across:.1f}" y2="{bottom + 5}" stroke="black"/>\n'
        text += _text(across, bottom + 19, f"{x:,}", 'text-anchor="middle"')
    text += _text(LEFT + width / 2, bottom + 37, "workers", 'text-anchor="middle"')
    for i, (name, line) in enumerate(lines.items()):
        colour = colours[name]
        path = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y, _, _ in line)
        text += f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
        for x, y, low, high in line:
            across, down = at(x, y)
            text += f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>\n'
            text += (f'<line x1="{across:.1f}" y1="{at(x, low)[1]:.1f}" x2="{across:.1f}" '
                     f'y2="{at(x, high)[1]:.1f}" stroke="{colour}"/>\n')
        text += _text(LEFT + width + 14, top + TOP + 14 + 20 * i, name, f'fill="{colour}"')
    return text


def draw(panels):
    """PANELS, one below the other: (title, lines)."""
    names = []
    for _, lines in panels:
        names += [name for name in lines if name not in names]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    height = HEIGHT * len(panels)
    text = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n')
    for i, (title, lines) in enumerate(panels):
        if lines:
            text += _panel(title, lines, colours, i * HEIGHT)
    return text + "</svg>\n"
