"""The Layers page's "Copy as Python": for each view the core calls that make every frame it offers, by its name."""

from __future__ import annotations

from core.analyses.layer_tables import Question
from ui.layers_marks import Mark
from ui.layers_page import Asked


def turnover(path: str, asked: Asked, measures: tuple[str, ...], place: int, *, by_weights: bool = False) -> str:
    """The turnover at every threshold, by all measures, and the features behind the band; `place` is its pair's.

    With `by_weights` the assignments by weights too.

    >>> asked = Asked("turnover", "pearson", 0.95, "alive", "0", "ended")
    >>> print(turnover("demo.h5", asked, ("pearson",), 0).splitlines()[-1])
    behind_the_band = tables.band_table(found[0], 'ended', 0.95, Labels.beside(store))
    """
    names = [
        "from core.analyses import layer_tables as tables",
        "from core.analyses.matches import adjacent_by_measure",
    ]
    lines = [
        f"by_pair = adjacent_by_measure(store, {measures!r})",
        f"found = [by[{asked.measure!r}] for by in by_pair]",
        f"turnover = tables.turnover_table(found, {asked.tau!r})",
        "shares_by_threshold = tables.curve_table([one for by in by_pair for one in by.values()])",
        f"behind_the_band = tables.band_table(found[{place}], {asked.band!r}, {asked.tau!r}, Labels.beside(store))",
    ]
    if by_weights:
        names.insert(0, "from core.analyses.assigned import agreed, agreement_table, assignment")
        lines += [
            "by_pearson = [by['pearson'] for by in by_pair]",
            "one_to_one_by_weights = agreement_table("
            "[agreed(one, assignment(store, one.source, one.target)) for one in by_pearson])",
        ]
    return _script(path, names, lines)


def lifespans(path: str, asked: Asked, question: Question, gap: int) -> str:
    """Births, survival, the chains that are listed, and, where these are listed, what falls below τ and returns."""
    names = [
        "from core.analyses import layer_tables as tables",
        "from core.analyses import lifespans as spans",
        "from core.analyses.matches import adjacent_matches",
    ]
    born, length, least, then = question
    lines = [
        f"found = spans.lifespans(adjacent_matches(store, {asked.measure!r}), {asked.tau!r})",
        "births = tables.birth_table(found)",
        "survival = tables.survival_table(found)",
        f"chosen = spans.chosen(found, {born!r}, {length}, {least}, {then!r})",
        "lifespans = tables.chain_table(found, chosen, Labels.beside(store))",
    ]
    if gap:
        names.insert(2, "from core.analyses import returns as falls")
        lines += [
            f"matches = falls.matches_for_returns(store, {asked.measure!r}, {gap}, nulls=False)",
            f"back = falls.returns(found.keys, matches, {asked.tau!r})",
            "returns = tables.return_table(back, Labels.beside(store))",
        ]
    return _script(path, names, lines)


def sites(path: str, mark: Mark | None) -> str:
    """The sites in numbers, their charts, and the features behind the mark that was clicked."""
    names = [
        "from core.analyses import site_features as features",
        "from core.analyses.site_summary import sites_table",
    ]
    lines = [
        "sites = sites_table(store)",
        "histograms = features.spread_table(store)",
        "silent = features.silent_table(store)",
    ]
    if mark is not None:
        low, high = (f"float({str(end)!r})" for end in (mark.low, mark.high))
        asked = f"{mark.panel!r}, {mark.key!r}, {low}, {high}"
        lines.append(f"behind_the_mark = features.behind(store, {asked}, Labels.beside(store))")
    return _script(path, names, lines)


def _script(path: str, names: list[str], lines: list[str]) -> str:
    labels = ["from core.labels import Labels"] if any("Labels" in line for line in lines) else []
    top = [*names, *labels, "from core.store import open_store"]
    return "\n".join([*top, "", f"store = open_store({path!r})", *lines]) + "\n"
