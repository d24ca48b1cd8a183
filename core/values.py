"""The value types that every room of the house shares: features, sites, counts, links. Nothing heavy is imported.

>>> Feature.parse("5_23493")
Feature(key='5', index=23493)
>>> str(Feature("3.mid", 17))
'3.mid_17'
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import UnknownFeature

MIN_ACTIVE = 10
"""Features active on fewer counted positions are rare; fewer co-activations are "too little data"."""


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One latent of one site, written ``KEY_INDEX``."""

    key: str
    index: int

    def __str__(self) -> str:
        return f"{self.key}_{self.index}"

    @classmethod
    def parse(cls, text: str) -> Feature:
        """Read ``KEY_INDEX``; raises `UnknownFeature` when the text is not of that form."""
        key, underscore, index = text.strip().rpartition("_")
        if not (key and underscore and index.isascii() and index.isdigit() and len(index) <= 18):
            raise UnknownFeature(f"{text[:80]!r} is not a feature", "write KEY_INDEX, such as 5_169")
        return cls(key, int(index))


@dataclass(frozen=True, slots=True)
class Site:
    """One SAE attached to one hook of the model; `position` is its place along the forward pass."""

    position: int
    key: str
    layer: int
    hook_name: str
    sae_id: str
    d_in: int
    d_sae: int
    output_hook: str = ""  # where a transcoder's reconstruction belongs; else the hook itself
    release: str = ""
    architecture: str = "standard"
    normalisation: str = "none"
    space: str = "resid"  # decoder rows can be compared only within one space
    neuronpedia_id: str = ""


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Sufficient statistics of features pairs; every field but `n` is a scalar or an array of one shape.

    x are the source's activations, y the target's, over the n counted positions. Counts follow the activity rule,
    sums do not.
    """

    n: int
    n_source: Any  # int64
    n_target: Any  # int64
    n_both: Any  # int64
    sum_x: Any  # float64
    sum_xx: Any  # float64
    sum_y: Any  # float64
    sum_yy: Any  # float64
    sum_xy: Any  # float64


MEASURES: tuple[str, ...] = (
    "pearson",
    "cosine",
    "jaccard",
    "sufficiency",
    "necessity",
    "mutual_information",
)
"""The count-based measures, in the order in which they are listed everywhere."""

DATA_FREE: tuple[str, ...] = ("decoder_cosine", "virtual_weight", "folded_mse")
"""The measures of the SAEs' weights alone, listed after the others."""

ALL_MEASURES: tuple[str, ...] = (*MEASURES, *DATA_FREE)


@dataclass(frozen=True, slots=True)
class About:
    """What one needs to know of a measure to show it and to rank by it."""

    words: str  # what it is called within a sentence
    meaning: str = ""  # one line for a tooltip
    lower_is_better: bool = False
    by_rule: bool = True  # whether the activity rule changes it
    range: tuple[float, float] = (0.0, 1.0)


ABOUT: Mapping[str, About] = {
    "pearson": About(
        "Pearson", "correlation of the two activations over all counted tokens", by_rule=False, range=(-1.0, 1.0)
    ),
    "cosine": About("cosine", "cosine of the two activations over all counted tokens", by_rule=False),
    "jaccard": About("Jaccard", "tokens with both ÷ tokens with either"),
    "sufficiency": About("sufficiency", "share of the source's tokens on which the target fires too"),
    "necessity": About("necessity", "share of the target's tokens on which the source fires too"),
    "mutual_information": About(
        "mutual information", "nats that one being active tells about the other", range=(0.0, math.log(2.0))
    ),
    "decoder_cosine": About("decoder cosine", "cosine of the two decoder rows", by_rule=False, range=(-1.0, 1.0)),
    "virtual_weight": About(
        "virtual weight",
        "encoder row of the target · decoder row of the source",
        by_rule=False,
        range=(-math.inf, math.inf),
    ),
    "folded_mse": About(
        "folded MSE",
        "mean squared difference of the two decoder rows, each times its θ; 0 is the same",
        lower_is_better=True,
        by_rule=False,
        range=(0.0, math.inf),
    ),
}
"""Of every measure its words, which way is better, whether the activity rule matters, and between what it lies."""


def about(measure: str) -> About:
    """What is known of a measure; of one that has no entry only its name.

    >>> about("folded_mse").lower_is_better, about("odds_ratio").words
    (True, 'odds ratio')
    """
    return ABOUT.get(measure) or About(measure.replace("_", " "))


GRAPH_MEASURES: tuple[str, ...] = tuple(name for name in ALL_MEASURES if not about(name).lower_is_better)
"""What links of a graph may be measured by: they are drawn from a floor up, and where less is better there is none."""


def likeness(measure: str, values: Any) -> Any:
    """The values so that larger is more alike: as they are, or their negatives where lower is better.

    >>> likeness("folded_mse", 0.5), likeness("pearson", 0.5)
    (-0.5, 0.5)
    """
    return -values if about(measure).lower_is_better else values


@dataclass(frozen=True, slots=True)
class Link:
    """A source (earlier site) and a target (later site) with what was measured of them; NaN is undefined."""

    source: Feature
    target: Feature
    measures: Mapping[str, float]
    n: int = 0
    n_source: int = 0
    n_target: int = 0
    n_both: int = 0

    @property
    def lift(self) -> float:
        """n_both · n / (n_source · n_target): 1 under independence; NaN where a feature is never active."""
        product = self.n_source * self.n_target
        return self.n_both * self.n / product if product else float("nan")

    def other(self, feature: Feature) -> Feature:
        """The end of the link that is not `feature`."""
        return self.target if feature == self.source else self.source


@dataclass(frozen=True, slots=True)
class Label:
    """An explanation of a feature; `text` is data from outside and is never markup."""

    text: str
    source: str
    score: float = float("nan")


@dataclass(frozen=True, slots=True)
class Name:
    """What a feature is called: by its label, or where it has none by a hint, its characteristic token; never both.

    They are apart, so that no hint can pass for a label.

    >>> Name(label="names of people", source="auto").written, Name(hint="Lily").written, Name().written
    ('names of people', '“Lily”', '')
    """

    label: str = ""
    source: str = ""  # who gave the label
    hint: str = ""

    @property
    def written(self) -> str:
        """For people to read: a hint stands in quotes, everywhere; "" for neither."""
        return self.label or (f"“{self.hint}”" if self.hint else "")

    @property
    def words(self) -> str:
        """Either without quotes: to be compared with other names, or to stand in a sentence that quotes both."""
        return self.label or self.hint


Naming = Callable[[Feature], Name]
"""What features are called: `Labels.name`, or `Labels.naming()` for thousands."""


class Links(Protocol):
    """Anything that answers "which features are linked to this one": a store, cached pairs, a published graph."""

    @property
    def sites(self) -> Sequence[Site]:
        """Sites in the order of the forward pass."""
        ...

    def neighbours(
        self, feature: Feature, to: str, measure: str, top: int, min_both: int = 0, activity: float = 0.0
    ) -> list[Link]:
        """The `top` links between `feature` and site `to` by `measure`, best first (DESIGN 4, "Ranking")."""
        ...

    def link(self, source: Feature, target: Feature, activity: float = 0.0, weights: str = "") -> Link:
        """The link of two features, with a measure of weights too where `weights` names one.

        Raises `UnknownFeature` where there is none to speak of.
        """
        ...


class Model(Protocol):
    """What an analysis that reruns the model needs; arrays are NumPy, so that torch stays out of `analyses`."""

    def run(self, ids: Any, edits: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Activations [tokens, d_in] by hook, and ``logits``, for one sequence of token ids."""
        ...
