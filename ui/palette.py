"""The colours: one ramp of layers from light to dark along the forward pass, one accent. Nothing is imported.

Where HTML is written, ``pair`` gives a CSS colour that follows the browser's theme by itself; Plotly and the graph
need the theme's name, which `ui.setup.theme` tells.

>>> ramp(3), ink("#d3e8ec"), ink("#2b4a7f")
(['#d0e6ea', '#5698b8', '#2b477b'], '#16202b', '#ffffff')
"""

from __future__ import annotations

RAMP = {
    "light": ("#d0e6ea", "#9fccd6", "#6fafc9", "#3d80a7", "#38659d", "#2b477b"),
    "dark": ("#c9e4ea", "#93c8d5", "#66adca", "#4790ba", "#4077ad", "#4163a0"),
}
ACCENT = {"light": "#d9711a", "dark": "#f0903a"}
SHADE = {"light": "#7db3d8", "dark": "#2f76ad"}
TEXT = {"light": "#1b2430", "dark": "#e3e9ef"}
QUIET = {"light": "#64717f", "dark": "#98a5b2"}
LINE = {"light": "#dbe2e8", "dark": "#2c3742"}
EDGE = {"light": "#b3c1cb", "dark": "#4a5864"}
PAPER = {"light": "#ffffff", "dark": "#12171d"}
BAR = {"light": "#38659d", "dark": "#66adca"}


def ramp(n: int, theme: str = "light") -> list[str]:
    """`n` colours, light to dark: one a site, in the order of the forward pass."""
    stops = RAMP[theme]
    return [_between(stops, i / (n - 1) if n > 1 else 0.6) for i in range(n)]


def site_colour(position: int, n_sites: int) -> str:
    """The CSS colour of a site, right in both themes."""
    return pair(ramp(n_sites, "light")[position], ramp(n_sites, "dark")[position])


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
