"""Tokens as HTML: nothing in a text is ever markup, and what is shaded can be read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.analyses.contexts import Context, PairContext
from core.views.tokens import concordance, pair_concordance, shaded, visible
from ui.palette import RAMP, SHADE, TEXT, _luminance, _rgb, ink, ramp

HOSTILE = ['<img src=x onerror="alert(1)">', "</span>", "a&b", "'\"", "\n", "\x00"]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_no_character_of_a_token_opens_a_tag(texts: list[str]) -> None:
    plain = "".join(visible(text) for text in texts)
    for known in ('<span class="s-blank">', "</span>"):
        plain = plain.replace(known, "")
    assert "<" not in plain
    assert ">" not in plain
    assert '"' not in plain


def test_hostile_tokens_in_contexts() -> None:
    values = (1.0, 0.0, 2.0, 0.0, 1.0, 0.5)
    page = concordance([Context(0, 0, tuple(HOSTILE), 2, values)], 2.0)
    page += pair_concordance([PairContext(0, 0, tuple(HOSTILE), 2, values, values)], 2.0, 2.0)
    assert "<img" not in page
    assert page.count("<span") == page.count("</span")


def test_spaces_survive_under_the_shade() -> None:
    assert "&nbsp;Tom" in shaded([" Tom"], [1.0], 1.0)
    assert shaded([" Tom"], [0.0], 1.0) == " Tom"


def test_a_weak_activation_is_still_told_from_silence() -> None:
    assert "--a:0.14" in shaded(["a"], [1e-9], 5.0)
    assert "s-t" not in shaded(["a"], [0.0], 5.0)


def contrast(a: float, b: float) -> float:
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def test_text_on_the_deepest_shade_can_be_read_in_both_themes() -> None:
    for theme, paper in (("light", "#ffffff"), ("dark", "#12171d")):
        mixed = [round(0.85 * s + 0.15 * p) for s, p in zip(_rgb(SHADE[theme]), _rgb(paper), strict=True)]
        ground = "#" + "".join(f"{part:02x}" for part in mixed)
        assert contrast(_luminance(ground), _luminance(TEXT[theme])) >= 4.5


def test_the_ink_of_every_layer_can_be_read() -> None:
    for theme in RAMP:
        for n in (1, 2, 7, 13):
            colours = ramp(n, theme)
            assert all(contrast(_luminance(colour), _luminance(ink(colour))) >= 3.5 for colour in colours)
            lightness = [_luminance(colour) for colour in colours]
            assert lightness == sorted(lightness, reverse=True)
