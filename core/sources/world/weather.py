"""Weather reports: days in order, and temperatures that agree with "warmer" and "colder"."""

from __future__ import annotations

from core.sources.world.lexicon import CITIES, DAYS, MONTHS, write_name
from core.sources.world.scribe import Scribe

SKIES = {
    "rain": "wet", "snow": "cold", "sun": "warm", "wind": "dry", "fog": "dark", "hail": "icy", "storms": "dangerous",
    "showers": "muddy",
}  # fmt: skip
REGIONS = ("north", "south", "east", "west")


def write_weather(scribe: Scribe) -> None:
    """A report for a city over three or four days."""
    scribe.words("Weather for", position="title")
    city = scribe.choose(CITIES)
    _write_city(scribe, city)
    with scribe.bracketed("date"):
        scribe.word(str(scribe.choose(range(1, 29))), kind="day of the month")
        write_name(scribe, "month", scribe.choose(MONTHS))
    scribe.mark("\n")
    first = scribe.choose(range(7))
    degrees = scribe.choose(range(8, 21))
    _write_first(scribe, DAYS[first], degrees)
    for day in range(1, scribe.choose((2, 3)) + 1):
        degrees = _write_next(scribe, DAYS[(first + day) % 7], degrees)
    if scribe.chance(0.4):
        scribe.words("Good night,")
        _write_city(scribe, city)
        scribe.mark("!")


def _write_city(scribe: Scribe, city: str) -> None:
    write_name(scribe, "city", city, mention=scribe.mention(city))


def _write_degrees(scribe: Scribe, degrees: int) -> None:
    scribe.word(str(degrees), kind="temperature")
    scribe.word("degrees", part_of_speech="noun", kind="unit", number="plural")


def _write_first(scribe: Scribe, day: str, degrees: int) -> None:
    write_name(scribe, "day of the week", day)
    scribe.mark(":")
    sky = scribe.choose(list(SKIES))
    scribe.word(sky, part_of_speech="noun", topic="weather")
    scribe.words("in the")
    scribe.word(scribe.choose(REGIONS), part_of_speech="noun", topic="region")
    scribe.mark(",")
    _write_degrees(scribe, degrees)
    scribe.mark(".")
    scribe.mark("\n")


def _write_next(scribe: Scribe, day: str, degrees: int) -> int:
    """The next day, warmer or colder than the day before by up to three degrees; returns its temperature."""
    write_name(scribe, "day of the week", day)
    scribe.mark(":")
    if scribe.chance(0.5):
        sky = scribe.choose(list(SKIES))
        scribe.word(sky, part_of_speech="noun", topic="weather")
        scribe.words("and")
        scribe.word(SKIES[sky], part_of_speech="adjective", kind="weather")
        scribe.word(scribe.choose(("roads", "streets", "fields", "hills")), part_of_speech="noun", number="plural")
        scribe.mark(",")
    change = scribe.choose((-3, -2, -1, 1, 2, 3))
    trend = "warmer" if change > 0 else "colder"
    scribe.word(trend, part_of_speech="adjective", kind="comparative")
    scribe.words("with")
    _write_degrees(scribe, degrees + change)
    scribe.mark(".")
    scribe.mark("\n")
    return degrees + change
