"""The colours: a ramp of sites from light to dark along the forward pass, kinds, one accent for what is chosen.

Where HTML is written, ``pair`` gives a CSS colour that follows the browser's theme by itself; Plotly and the graph
need the theme's name, which `ui.setup.theme` tells. Nothing is imported.

>>> ramp(3), ink("#d3e8ec"), ink("#2b4a7f")
(['#d0e6ea', '#5698b8', '#2b477b'], '#16202b', '#ffffff')
"""

from __future__ import annotations

RAMP = {
    "light": ("#d0e6ea", "#9fccd6", "#6fafc9", "#3d80a7", "#38659d", "#2b477b"),
    "dark": ("#c9e4ea", "#93c8d5", "#66adca", "#4790ba", "#4077ad", "#4163a0"),
}
MARKS = {
    "light": ("#4a9bad", "#3f8aab", "#3576a3", "#315f93", "#2a4a80", "#1d2f5a"),
    "dark": ("#dcf0f4", "#aedae4", "#84c2d6", "#60a6cc", "#4f8ac0", "#5274b8"),
}
"""The ramp for lines, bars and swatches, which carry no text. Each step has a contrast of 3 to the page or more."""
KINDS = {
    "light": ("#1d9e7a", "#592d83", "#929710", "#a24d90", "#823b4b", "#02500c", "#c475c2", "#796941"),
    "dark": ("#82e6b3", "#9f83e3", "#bdb236", "#a84b85", "#ec7ea2", "#349f5c", "#f1b4ff", "#786a30"),
}
"""What has no order: communities, measures, parts of a whole. None is a site's blue or the accent, and all are told
apart with any kind of colour vision (a test simulates three); text on them has a contrast of 4.5 or more."""
ACCENT = {"light": "#d9711a", "dark": "#f0903a"}
SHADE = {"light": "#7db3d8", "dark": "#2f76ad"}
TEXT = {"light": "#1b2430", "dark": "#e3e9ef"}
QUIET = {"light": "#64717f", "dark": "#98a5b2"}
LINE = {"light": "#dbe2e8", "dark": "#2c3742"}
EDGE = {"light": "#b3c1cb", "dark": "#4a5864"}
PAPER = {"light": "#ffffff", "dark": "#12171d"}
BAR = {"light": "#38659d", "dark": "#66adca"}


def ramp(n: int, theme: str = "light") -> list[str]:
    """`n` colours, light to dark: one a site, in the order of the forward pass. For grounds that carry text."""
    return _spread(RAMP[theme], n)


def marks(n: int, theme: str) -> list[str]:
    """The same for lines, bars and swatches."""
    return _spread(MARKS[theme], n)


def site_colour(position: int, n_sites: int) -> str:
    """The CSS colour of a site's bars and swatches, right in both themes."""
    return pair(marks(n_sites, "light")[position], marks(n_sites, "dark")[position])


def pair(light: str, dark: str) -> str:
    """A CSS colour that follows the theme.

    >>> pair("#fff", "#000")
    'light-dark(#fff, #000)'
    """
    return f"light-dark({light}, {dark})"


def ink(background: str) -> str:
    """The text colour that can be read on `background`: the darker or the lighter one, by contrast (WCAG 2)."""
    luminance = _luminance(background)
    on_white, on_black = 1.05 / (luminance + 0.05), (luminance + 0.05) / (_luminance("#16202b") + 0.05)
    return "#ffffff" if on_white > on_black else "#16202b"


def _spread(stops: tuple[str, ...], n: int) -> list[str]:
    return [_between(stops, i / (n - 1) if n > 1 else 0.6) for i in range(n)]


def _between(stops: tuple[str, ...], place: float) -> str:
    low = min(int(place * (len(stops) - 1)), len(stops) - 2)
    share = place * (len(stops) - 1) - low
    mixed = (round(a + (b - a) * share) for a, b in zip(_rgb(stops[low]), _rgb(stops[low + 1]), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [(c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in _rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
