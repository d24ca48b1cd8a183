"""The written world: determinism, spans, agreement, and surprisal that really is -ln P(text)."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pytest

from core.sources.demo import demo_documents
from core.sources.world import Document, documents, token_notes
from core.sources.world.animals import write_article
from core.sources.world.markup import write_markup
from core.sources.world.parts import part_of_speech
from core.sources.world.people import choose_person, write_person, write_subject
from core.sources.world.registers import WRITERS
from core.sources.world.scribe import Scribe, random_draw


@pytest.fixture(scope="module")
def sample() -> list[Document]:
    return list(islice(documents(seed=11), 1500))


def every_document(write: Callable[[Scribe], None]) -> Iterator[tuple[Document, float]]:
    """All documents that a writer can write, each with the product of the probabilities on its way."""
    paths: list[list[int]] = [[]]
    while paths:
        path = paths.pop()
        place, probability = 0, 1.0

        def draw(probabilities: Sequence[float], path: list[int] = path) -> int:
            nonlocal place, probability
            if place == len(path):
                paths.extend([*path, other] for other in range(1, len(probabilities)))
                path.append(0)
            place += 1
            probability *= probabilities[path[place - 1]]
            return path[place - 1]

        scribe = Scribe("tiny", draw)
        write(scribe)
        yield scribe.finish(), probability


def write_tiny(scribe: Scribe) -> None:
    """A world of few sentences, with choices that depend on choices."""
    person = choose_person(scribe, "protagonist")
    write_person(scribe, person, "subject")
    scribe.words(scribe.choose(("sat.", "stood.", "lay."), (3.0, 2.0, 1.0)))
    if scribe.chance(0.25):
        write_subject(scribe, person)
        scribe.words("went.")


def test_same_seed_same_documents_and_other_seed_others() -> None:
    one, same, other = (list(islice(documents(seed), 20)) for seed in (1, 1, 2))
    assert one == same
    assert [document.text for document in one] == list(islice(demo_documents(1), 20))
    assert not {document.text for document in one} & {document.text for document in other}


def test_every_register_is_written(sample: list[Document]) -> None:
    assert {document.register for document in sample} == set(WRITERS)
    assert len(WRITERS) >= 6


def test_spans_cover_the_text_without_gaps(sample: list[Document]) -> None:
    for document in sample:
        places = [0, *(span.end for span in document.spans)]
        assert [span.start for span in document.spans] == places[:-1]
        assert places[-1] == len(document.text)
        assert all(span.end > span.start for span in document.spans)


def test_every_piece_has_a_register_and_a_known_part_of_speech(sample: list[Document]) -> None:
    unknown = {
        document.text[span.start : span.end]
        for document in sample
        for span in document.spans
        if span.notes["part of speech"] == "other" or span.notes["register"] != document.register
    }
    assert unknown == set()


def test_surprisal_is_the_enumerated_probability_and_texts_are_unambiguous() -> None:
    found = list(every_document(write_tiny))
    assert math.isclose(sum(probability for _, probability in found), 1.0)
    assert len({document.text for document, _ in found}) == len(found)
    for document, probability in found:
        assert math.isclose(math.exp(-document.surprisal), probability)


def test_enumeration_notices_an_ambiguous_world() -> None:
    """The negative twin: two ways to the same text, whose surprisal then overstates -ln P(text)."""

    def write_ambiguous(scribe: Scribe) -> None:
        scribe.words(scribe.choose(("a", "a", "an")))

    found = list(every_document(write_ambiguous))
    assert len({document.text for document, _ in found}) < len(found)


@pytest.mark.parametrize("write", [write_article, write_markup])
def test_equal_texts_have_equal_surprisal(write: Callable[[Scribe], None]) -> None:
    seen: dict[str, float] = {}
    draw = random_draw(random.Random(5))
    for _ in range(3000):
        scribe = Scribe("one", draw)
        write(scribe)
        document = scribe.finish()
        assert math.isclose(seen.setdefault(document.text, document.surprisal), document.surprisal)


def test_frequencies_agree_with_surprisal() -> None:
    draw, n = random_draw(random.Random(2)), 4000
    texts = []
    for _ in range(n):
        scribe = Scribe("tiny", draw)
        scribe.words(scribe.choose(("one", "two", "three"), (5.0, 3.0, 2.0)))
        texts.append(scribe.finish())
    for word, probability in (("one", 0.5), ("two", 0.3), ("three", 0.2)):
        share = sum(document.text == word for document in texts) / n
        assert abs(share - probability) < 4 * math.sqrt(probability / n)


def pieces(document: Document) -> list[tuple[str, dict[str, str]]]:
    return [(document.text[span.start : span.end].strip(), dict(span.notes)) for span in document.spans]


def test_verbs_agree_with_their_subject(sample: list[Document]) -> None:
    singular, checked = {"was", "is", "has", "gets", "gives", "asks", "meets"}, 0
    for document in sample:
        for word, notes in pieces(document):
            if "agrees with" in notes and word not in ("eats", "lives", "sleeps"):
                assert (notes["agrees with"] == "singular subject") == (word in singular), (word, document.text)
                checked += 1
    assert checked > 500


def test_nouns_are_in_the_number_that_is_noted(sample: list[Document]) -> None:
    from core.sources.world.lexicon import PETS, THINGS

    forms = {noun.form(number): number for noun in (*THINGS, *PETS) for number in ("singular", "plural")}
    checked = 0
    for document in sample:
        for word, notes in pieces(document):
            if notes.get("topic") == "thing" and word in forms:
                assert notes["number"] == forms[word]
                checked += 1
    assert checked > 300


def test_pronouns_have_the_gender_of_whom_they_refer_to(sample: list[Document]) -> None:
    feminine = {"she", "her"}
    for document in sample:
        genders: dict[str, str] = {}
        for word, notes in pieces(document):
            if notes.get("form") == "name":
                assert word == notes["refers to"]
                genders[word] = notes["gender"]
            if notes.get("form") == "pronoun":
                assert genders[notes["refers to"]] == notes["gender"]
                assert (word.lower() in feminine) == (notes["gender"] == "feminine")


def test_quotes_and_brackets_are_closed(sample: list[Document]) -> None:
    for document in sample:
        for shape in ("quote", "bracket"):
            kinds = [notes["kind"] for _, notes in pieces(document) if notes.get("kind", "").endswith(shape)]
            depth = 0
            for kind in kinds:
                if kind != "list bracket":
                    depth += 1 if kind.startswith("opening") else -1
                assert depth in (0, 1, 2, 3)
            assert depth == 0


def test_sums_are_right(sample: list[Document]) -> None:
    checked = 0
    for document in sample:
        for one, sign, two, result in re.findall(r"(\d+) ([-+*]) (\d+) = (\d+)", document.text):
            value = {"+": int(one) + int(two), "-": int(one) - int(two), "*": int(one) * int(two)}[sign]
            assert value == int(result)
            checked += 1
    assert checked > 100


def test_token_notes_follow_offsets(sample: list[Document]) -> None:
    document = sample[0]
    offsets = [(0, 0), *((span.start, span.end) for span in document.spans)]
    notes = token_notes(document, offsets)
    assert notes[0] == {}
    assert notes[1:] == [span.notes for span in document.spans]
    last = document.spans[-1]
    assert token_notes(document, [(last.end - 1, last.end)]) == [last.notes]


def test_part_of_speech_of_an_unknown_word() -> None:
    assert part_of_speech("zebra") == "other"
