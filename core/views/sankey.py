"""Turnover as a picture: what flows from site to site, what ends, what is born. SVG, since every band is a link.

Plotly's Sankey cannot tell Streamlit which band was clicked. Here a band is an anchor: it works with mouse and
keyboard, follows the theme, and is the same file in a paper.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.analyses.turnover import Turnover

WIDTH, HEIGHT = 1120.0, 330.0
TOP, FOOT, BAR, SIDE = 46.0, 62.0, 14.0, 44.0
FONT = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

Address = Callable[[int, str], str]


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, in any form that CSS takes."""

    sites: Sequence[str]
    text: str
    quiet: str
    accent: str
    font: str = FONT


@dataclass(frozen=True, slots=True)
class Band:
    """One flow: features of pair `pair`, between heights at the left and at the right end."""

    pair: int
    name: str
    count: int
    x0: float
    x1: float
    left: tuple[float, float]
    right: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is: bars by site, bands, and the scale in pixels a feature."""

    columns: tuple[float, ...]
    alive: tuple[int, ...]
    bands: tuple[Band, ...]
    joints: tuple[tuple[float, float, float], ...]  # x, top, bottom of where bands that are not one to one meet
    scale: float


def layout(steps: Sequence[Turnover], height: float = HEIGHT) -> Layout:
    """Bars as high as sites have alive features; at each, one to one flows on top, ended and born below.

    Flows are kept: what leaves a bar adds up to its alive features, and so does what enters. Between two bars, features
    that are passed on but not one to one meet in a joint: several may share one match, so that it is wider on one side.
    """
    alive = (*(step.alive_from for step in steps), steps[-1].alive_to)
    gap = (WIDTH - 2 * SIDE - BAR) / max(1, len(steps))
    columns = tuple(SIDE + k * gap for k in range(len(steps) + 1))
    scale = (height - TOP - FOOT) / max(1, *alive)
    bands, joints = [], []
    for k, step in enumerate(steps):
        x0, x1 = columns[k] + BAR, columns[k + 1]
        middle = (x0 + x1) / 2
        mutual, others, heirs = (
            n * scale
            for n in (step.passed_mutual, step.passed - step.passed_mutual, step.inherited - step.passed_mutual)
        )
        a, b = TOP + mutual, TOP + mutual + others
        c, d = a, a + heirs
        joint = (a + 3, a + 3 + max(others, heirs))
        end, start = TOP + step.alive_from * scale, TOP + step.alive_to * scale
        both = (TOP, a)
        bands.append(Band(k, "mutual", step.passed_mutual, x0, x1, both, both))
        bands.append(
            Band(k, "passed", step.passed - step.passed_mutual, x0, middle, (a, b), (joint[0], joint[0] + others))
        )
        bands.append(
            Band(k, "inherited", step.inherited - step.passed_mutual, middle, x1, (joint[0], joint[0] + heirs), (c, d))
        )
        reach = (x1 - x0) * 0.46
        bands.append(Band(k, "ended", step.ended, x0, x0 + reach, (b, end), (b + 10, end + 10)))
        bands.append(Band(k, "born", step.born, x1 - reach, x1, (d + 10, start + 10), (d, start)))
        if joint[1] - joint[0] > 0:
            joints.append((middle, *joint))
    return Layout(columns, alive, tuple(bands), tuple(joints), scale)


def sankey(
    steps: Sequence[Turnover],
    paint: Paint,
    address: Address | None = None,
    anchor: Mapping[str, str] | None = None,
    chosen: tuple[int, str] | None = None,
    raw: bool = False,
) -> str:
    """One SVG document. `address` gives the link of a pair's band, `anchor` more attributes of links.

    Sites' keys are escaped. Everything is drawn in `paint`; `chosen` (pair, band) is in the accent. The shares above
    the bands are of the alive features, or, where `raw`, of all.

    >>> step = Turnover("0", "<1>", "pearson", 0.9, 5, 5, 1, 0, 0, 0, 3, 2, 0.0, 2, 3, 2)
    >>> drawn = sankey([step], Paint(["#111", "#222"], "#000", "#888", "#f80"), lambda k, band: f"?{k}-{band}")
    >>> "?0-ended" in drawn, "<1>" in drawn
    (True, False)
    """
    place = layout(steps)
    more = "".join(
        f" {name}" if not text else f' {name}="{html.escape(text)}"' for name, text in (anchor or {}).items()
    )

    def linked(pair: int, name: str, told: str, body: str) -> str:
        if address is None:
            return f"<g>{body}</g>"
        return f'<a{more} href="{html.escape(address(pair, name))}" aria-label="{html.escape(told)}">{body}</a>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="s-sankey" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'role="group" aria-label="Features passed on from site to site" style="font-family:{html.escape(paint.font)}" '
        'font-size="12.5">',
        _gradients(len(steps), paint),
    ]
    for band in place.bands:
        step = steps[band.pair]
        if band.count:
            told = sentence(band, step)
            shape = f'<path d="{_path(band)}" style="fill:{_fill(band, chosen, paint)}">'
            parts.append(linked(band.pair, band.name, told, f"{shape}<title>{html.escape(told)}</title></path>"))
    parts += [
        f'<rect x="{x - 1:.1f}" y="{top:.1f}" width="2" height="{bottom - top:.1f}" opacity="0.6" '
        f'style="fill:{paint.quiet}"/>'
        for x, top, bottom in place.joints
    ]
    parts += [_bar(k, place, paint) for k in range(len(place.columns))]
    parts += [_site_words(k, place, steps, paint, linked) for k in range(len(place.columns))]
    parts += [_pair_words(k, place, step, paint, raw) for k, step in enumerate(steps)]
    return "".join((*parts, "</svg>"))


def sentence(band: Band, step: Turnover) -> str:
    """What a band says.

    >>> step = Turnover("0", "1", "pearson", 0.9, 5, 5, 1, 0, 0, 0, 3, 2, 0.0, 2, 3, 2)
    >>> sentence(Band(0, "ended", 2, 0, 1, (0, 1), (0, 1)), step)
    '2 features of site 0 end there'
    """
    n, a, b = f"{band.count:,} feature{'s' * (band.count != 1)}", step.source, step.target
    return {
        "mutual": f"{n} of site {a} passed on to site {b}, one to one",
        "passed": f"{n} of site {a} passed on to site {b}, sharing their match with a better one",
        "inherited": f"{n} of site {b} inherited from site {a}, sharing their match with a better one",
        "ended": f"{n} of site {a} end there" if band.count != 1 else f"{n} of site {a} ends there",
        "born": f"{n} of site {b} born there",
    }[band.name]


def _path(band: Band) -> str:
    bend = (band.x1 - band.x0) * 0.5
    (a, b), (c, d) = band.left, band.right
    return (
        f"M{band.x0:.1f},{a:.1f} C{band.x0 + bend:.1f},{a:.1f} {band.x1 - bend:.1f},{c:.1f} {band.x1:.1f},{c:.1f} "
        f"L{band.x1:.1f},{d:.1f} C{band.x1 - bend:.1f},{d:.1f} {band.x0 + bend:.1f},{b:.1f} {band.x0:.1f},{b:.1f}Z"
    )


def _fill(band: Band, chosen: tuple[int, str] | None, paint: Paint) -> str:
    if chosen == (band.pair, band.name):
        return (
            f"url(#s-{'out' if band.name == 'ended' else 'in'}-accent)"
            if band.name in ("ended", "born")
            else paint.accent
        )
    kind = {"mutual": "flow", "passed": "side", "inherited": "side", "ended": "out", "born": "in"}[band.name]
    return f"url(#s-{kind}-{band.pair})"


def _gradients(pairs: int, paint: Paint) -> str:
    """From the colour of one site to that of the next; what ends fades out, what is born fades in."""
    found = []
    for k in range(pairs):
        a, b = paint.sites[k], paint.sites[k + 1]
        ends = {
            "flow": ((a, 0.85), (b, 0.85)),
            "side": ((a, 0.45), (b, 0.45)),
            "out": ((paint.quiet, 0.34), (paint.quiet, 0.0)),
            "in": ((b, 0.0), (b, 0.45)),
        }
        found += [_gradient(f"s-{kind}-{k}", *stops) for kind, stops in ends.items()]
    found.append(_gradient("s-flow-accent", (paint.accent, 0.75), (paint.accent, 0.75)))
    found.append(_gradient("s-out-accent", (paint.accent, 0.9), (paint.accent, 0.0)))
    found.append(_gradient("s-in-accent", (paint.accent, 0.0), (paint.accent, 0.9)))
    return f"<defs>{''.join(found)}</defs>"


def _gradient(name: str, *stops: tuple[str, float]) -> str:
    drawn = "".join(
        f'<stop offset="{k}" style="stop-color:{colour};stop-opacity:{opacity}"/>'
        for k, (colour, opacity) in enumerate(stops)
    )
    return f'<linearGradient id="{name}">{drawn}</linearGradient>'


def _bar(site: int, place: Layout, paint: Paint) -> str:
    height = max(1.0, place.alive[site] * place.scale)
    return (
        f'<rect x="{place.columns[site]:.1f}" y="{TOP:g}" width="{BAR:g}" height="{height:.1f}" rx="2" '
        f'style="fill:{paint.sites[site]}"/>'
    )


def _site_words(
    site: int, place: Layout, steps: Sequence[Turnover], paint: Paint, linked: Callable[[int, str, str, str], str]
) -> str:
    """Above the bar the site, below it how many are alive, and how many are dead or rare."""
    last = site == len(steps)
    step = steps[site - 1] if last else steps[site]
    pair, side = (site - 1, "to") if last else (site, "from")
    key = step.target if last else step.source
    x, foot = place.columns[site] + BAR / 2, TOP + place.alive[site] * place.scale
    words = [_word(x, TOP - 28, f"site {key}", paint.text, weight=600)]
    words.append(_word(x, foot + 22, f"{place.alive[site]:,} alive", paint.text))
    y = foot + 38
    for kind in ("dead", "rare"):
        n = getattr(step, f"{kind}_{side}")
        if n:
            told = f"{n:,} {kind} feature{'s' * (n != 1)} of site {key}"
            words.append(linked(pair, f"{kind}_{side}", told, _word(x, y, f"{n:,} {kind}", paint.quiet, size=11.5)))
            y += 14
    return "".join(words)


def _pair_words(pair: int, place: Layout, step: Turnover, paint: Paint, raw: bool) -> str:
    """Between two bars: the share passed on above, how many end and are born beside their bands."""
    x0, x1 = place.columns[pair] + BAR, place.columns[pair + 1]
    share = rounded(step.raw_share if raw else step.share)
    words = [_word((x0 + x1) / 2, TOP - 8, share, paint.text, size=17, weight=650)]
    room = x1 - x0 > 130
    for name, x, side, count in (("ended", x0 + 7, "start", step.ended), ("born", x1 - 7, "end", step.born)):
        band = next(b for b in place.bands if (b.pair, b.name) == (pair, name))
        low, high = band.left if name == "ended" else band.right
        if count and high - low >= 15:
            text = f"{count:,} {name}" if room else f"{count:,}"
            words.append(_word(x, (low + high) / 2 + 5, text, paint.text, side=side))
    return f'<g pointer-events="none">{"".join(words)}</g>'


def rounded(share: float) -> str:
    """A share in whole per cent; what is not 0 is not said to be, nor all what is not.

    >>> rounded(0.163), rounded(0.0012), rounded(0.0), rounded(0.999), rounded(1.0), rounded(float("nan"))
    ('16%', '0.12%', '0%', '99.9%', '100%', '–')
    """
    if math.isnan(share):
        return "–"
    told = f"{100 * share:.0f}"
    return f"{100 * share:.2g}%" if told == "0" and share else f"{100 * share:.3g}%" if told == "100" else f"{told}%"


def _word(
    x: float, y: float, text: str, colour: str, *, size: float = 12.5, weight: int = 400, side: str = "middle"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{side}" font-size="{size:g}" font-weight="{weight}" '
        f'style="fill:{colour}">{html.escape(text)}</text>'
    )
