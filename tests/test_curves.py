"""Lines over a common axis: what is said where one points, rows that do not overlap, names that can all be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.analyses.lifespans import lifespans, survival
from core.analyses.matches import adjacent_matches
from core.sources.structures import Planting
from core.views.curves import NAME_HEIGHT, Line, line_figure, ridges
from ui.layers_lifespans import survival_figure

COLOURS = dict.fromkeys(("text", "quiet", "line", "accent"), "#888888")


def line(name: str, *y: float, **look: Any) -> Line:
    return Line(name, np.arange(1.0, len(y) + 1), np.array(y), "#123456", **look)


def test_a_point_tells_where_it_is_and_a_name_is_no_template() -> None:
    (drawn,) = line_figure([line("%{y}<b>", 0.5, where=" at %{x:.2f}")], COLOURS).data
    assert " at %{x:.2f}: %{y}" in drawn.hovertemplate  # read by Plotly
    assert not drawn.hovertemplate.startswith("%{y}")
    assert "<b>" not in drawn.hovertemplate


def test_rows_are_on_one_scale_and_do_not_overlap() -> None:
    rows = [
        ("site 0", [line("a", 0, 4, 0), line("b", 2, 2, 2)]),
        ("site 1", [line("c", 0, 8, 0)]),
        ("%{y}", [line("d", 0, 0, 0)]),
    ]
    figure: Any = ridges(rows, COLOURS, x_title="density", x_range=(1, 3))
    lines = [trace for trace in figure.data if trace.fill is None]
    grounds = [trace for trace in figure.data if trace.fill == "toself"]
    assert [trace.y.tolist() for trace in lines] == [[2, 2.45, 2], [2.225] * 3, [1, 1.9, 1], [0, 0, 0]]
    assert [trace.text for trace in lines][:3] == [("0", "4", "0"), ("2", "2", "2"), ("0", "8", "0")]
    assert [(trace.y[0], trace.y[-1], trace.hoverinfo) for trace in grounds] == [
        (2, 2, "skip"),
        (1, 1, "skip"),
        (0, 0, "skip"),
    ]
    assert list(figure.layout.yaxis.tickvals) == [2, 1, 0]
    assert figure.layout.yaxis.ticktext[:2] == ("site 0", "site 1")


def test_rows_of_shares_reach_up_to_all() -> None:
    figure: Any = ridges([("0", [line("a", 0.5, 0.25)])], COLOURS, x_title="tokens", x_range=(1, 2), share=True)
    assert figure.data[1].y.tolist() == [0.45, 0.225]
    assert figure.data[1].text == ("50.0%", "25.0%")


def test_rows_of_nothing_are_flat() -> None:
    figure: Any = ridges([("0", [line("a", 0, 0)])], COLOURS, x_title="tokens", x_range=(1, 2))
    assert figure.data[1].y.tolist() == [0, 0]


@pytest.mark.parametrize("starts", [[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.001, 0.9], [0.9, 0.1, 0.5, 0.2]])
def test_names_at_the_starts_are_in_the_order_of_the_lines_and_never_on_each_other(starts: list[float]) -> None:
    lines = [line(f"from {k}", start, 0.0) for k, start in enumerate(starts)] + [line("from 4", np.nan, np.nan)]
    figure: Any = line_figure(lines, COLOURS, y_percent=True, named=True, height=266)
    named = {one.text: one.y for one in figure.layout.annotations}
    assert len(named) == 4  # the unknown one has no start
    wanted = sorted(range(4), key=lambda k: -starts[k])
    assert list(named) == [f"from {k}" for k in wanted]
    pixels = np.diff(list(named.values())) / figure.layout.yaxis.range[1] * 200
    assert (pixels <= -NAME_HEIGHT + 1e-9).all()
    assert min(named.values()) >= 0


def test_survival_begins_one_site_later(tmp_path: Path) -> None:
    planting = Planting(sites=3, width=24, tokens=6_000, noise=0.0)
    for first, last in ((0, 2), (0, 1), (0, 0), (1, 2)):
        planting.passed_on(first, last)
    store, _ = planting.build(tmp_path / "s.h5")
    found = lifespans(adjacent_matches(store), 0.9)
    figure: Any = survival_figure(found, "light")
    assert [trace.name for trace in figure.data] == ["from 0", "from 1", "all"]
    for trace, site in zip(figure.data, (0, 1, None), strict=True):
        assert trace.x.tolist() == [1, 2]
        np.testing.assert_allclose(trace.y, survival(found, site)[1:])
        assert [marks[2] for marks in trace.customdata] == ["lasting=2", "lasting=3"]
    assert figure.layout.yaxis.range[1] < 1.1
