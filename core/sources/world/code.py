"""Code: a small Python function, then calls of it whose results stand in comments."""

from __future__ import annotations

from core.sources.world.parts import listed
from core.sources.world.scribe import Scribe

FUNCTIONS = {"add": "+", "join": "+", "subtract": "-", "times": "*", "combine": "+", "reduce": "-", "scale": "*"}
MEANINGS = {"combine": "add", "reduce": "subtract", "scale": "times"}
ARGUMENTS = listed("a b x y n m left right first second old new")
RESULTS = listed("result total value answer output number")
STRINGS = listed("cat dog tree key moon star sun bird fish boat house snow fire wind")


def write_code(scribe: Scribe) -> None:
    """A function of two arguments, and one or two calls or a loop."""
    name = scribe.choose(list(FUNCTIONS))
    one, two = scribe.some(ARGUMENTS, 2)
    _write_definition(scribe, name, (one, two))
    operator = FUNCTIONS[name]
    if scribe.chance(0.5):
        _write_plain_body(scribe, one, operator, two)
    else:
        _write_named_body(scribe, one, operator, two)
    extra = scribe.choose((None, _write_loop, _write_lookup))
    if extra:
        extra(scribe)
    for _ in range(scribe.choose((1, 2))):
        _write_call(scribe, name)


def _write_definition(scribe: Scribe, name: str, arguments: tuple[str, str]) -> None:
    with scribe.noting(block="definition"):
        _keyword(scribe, "def", indent="")
        scribe.write(" " + name, part_of_speech="identifier", kind="function name", mention=scribe.mention(name))
        _open(scribe, "definition")
        _variable(scribe, arguments[0], "parameter", "")
        _comma(scribe)
        _variable(scribe, arguments[1], "parameter", " ")
        _close(scribe, "definition")
        scribe.write(":", part_of_speech="punctuation", kind="colon")
        scribe.mark("\n")


def _write_plain_body(scribe: Scribe, one: str, operator: str, two: str) -> None:
    with scribe.noting(block="function body"):
        _keyword(scribe, "return")
        _sum(scribe, one, operator, two)


def _write_named_body(scribe: Scribe, one: str, operator: str, two: str) -> None:
    with scribe.noting(block="function body"):
        result = scribe.choose(RESULTS)
        scribe.write("   ", part_of_speech="spacing", kind="indentation")
        _variable(scribe, result, "result variable", " ")
        scribe.write(" =", part_of_speech="operator", kind="assignment")
        _sum(scribe, one, operator, two)
        _keyword(scribe, "return")
        _variable(scribe, result, "result variable", " ")
        scribe.mark("\n")


def _sum(scribe: Scribe, one: str, operator: str, two: str) -> None:
    _variable(scribe, one, "parameter", " ")
    scribe.write(" " + operator, part_of_speech="operator", kind="arithmetic operator")
    _variable(scribe, two, "parameter", " ")
    scribe.mark("\n")


def _write_loop(scribe: Scribe) -> None:
    """A loop over a list of words, with an inner call inside the outer one."""
    with scribe.noting(block="loop"):
        _keyword(scribe, "for", indent="")
        _variable(scribe, "word", "loop variable", " ")
        scribe.write(" in", part_of_speech="keyword")
        _write_list(scribe)
        scribe.write(":", part_of_speech="punctuation", kind="colon")
        scribe.mark("\n")
        scribe.write("   ", part_of_speech="spacing", kind="indentation")
        scribe.write(" print", part_of_speech="identifier", kind="function name")
        _open(scribe, "call")
        with scribe.noting(inside="call"):
            _variable(scribe, "word", "loop variable", "")
        _close(scribe, "call")
        scribe.mark("\n")


def _write_list(scribe: Scribe) -> list[str]:
    """`["cat", "sun"]`; returns its words."""
    scribe.write(" [", part_of_speech="punctuation", kind="opening bracket", bracket="list")
    words = scribe.some(STRINGS, scribe.choose((2, 3, 4)))
    with scribe.noting(inside="list"):
        for index, word in enumerate(words):
            if index:
                _comma(scribe)
            _string(scribe, word, "" if index == 0 else " ")
    scribe.write("]", part_of_speech="punctuation", kind="closing bracket", bracket="list")
    return words


def _write_lookup(scribe: Scribe) -> None:
    """`words = ["cat", "sun"]`, then `print(words[1])  # sun`: what is looked up stands further up."""
    with scribe.noting(block="lookup"):
        name = scribe.choose(("words", "names", "things"))
        _variable(scribe, name, "list variable", "")
        scribe.write(" =", part_of_speech="operator", kind="assignment")
        words = _write_list(scribe)
        scribe.mark("\n")
        scribe.write("print", part_of_speech="identifier", kind="function name")
        _open(scribe, "call")
        _variable(scribe, name, "list variable", "")
        scribe.write("[", part_of_speech="punctuation", kind="opening bracket", bracket="index")
        index = scribe.choose(range(len(words)))
        scribe.write(str(index), part_of_speech="number", kind="list index", inside="index")
        scribe.write("]", part_of_speech="punctuation", kind="closing bracket", bracket="index")
        _close(scribe, "call")
        scribe.write("  #", part_of_speech="punctuation", kind="comment sign")
        scribe.write(" " + words[index], part_of_speech="noun", kind="looked-up word", inside="comment")
        scribe.mark("\n")


def _write_call(scribe: Scribe, name: str) -> None:
    """`print(add(3, 4))  # 7`, or joined strings."""
    one, two = (scribe.choose(STRINGS), scribe.choose(STRINGS)) if name == "join" else _numbers(scribe, name)
    with scribe.noting(block="call"):
        scribe.write("print", part_of_speech="identifier", kind="function name")
        _open(scribe, "outer call")
        with scribe.noting(inside="call"):
            scribe.write(name, part_of_speech="identifier", kind="function name", mention=scribe.mention(name))
            _open(scribe, "inner call")
            with scribe.noting(inside="inner call"):
                _value(scribe, one, "")
                _comma(scribe)
                _value(scribe, two, " ")
            _close(scribe, "inner call")
        _close(scribe, "outer call")
        scribe.write("  #", part_of_speech="punctuation", kind="comment sign")
        with scribe.noting(inside="comment"):
            _result(scribe, name, one, two)
        scribe.mark("\n")


def _numbers(scribe: Scribe, name: str) -> tuple[int, int]:
    if MEANINGS.get(name, name) == "times":
        return scribe.choose(range(2, 6)), scribe.choose(range(2, 6))
    one, two = scribe.choose(range(1, 10)), scribe.choose(range(1, 10))
    return (one + two, two) if MEANINGS.get(name, name) == "subtract" else (one, two)


def _value(scribe: Scribe, value: str | int, space: str) -> None:
    if isinstance(value, int):
        scribe.write(f"{space}{value}", part_of_speech="number", kind="operand")
    else:
        _string(scribe, value, space)


def _result(scribe: Scribe, name: str, one: str | int, two: str | int) -> None:
    if isinstance(one, int) and isinstance(two, int):
        result = {"add": one + two, "subtract": one - two, "times": one * two}[MEANINGS.get(name, name)]
        scribe.write(f" {result}", part_of_speech="number", kind="result")
    else:
        scribe.write(f" {one}", part_of_speech="noun", kind="result")
        scribe.write(f"{two}", part_of_speech="noun", kind="result")


def _string(scribe: Scribe, word: str, space: str) -> None:
    scribe.write(f'{space}"', part_of_speech="punctuation", kind="opening quote", quote="string")
    scribe.write(word, part_of_speech="noun", inside="string")
    scribe.write('"', part_of_speech="punctuation", kind="closing quote", quote="string")


def _keyword(scribe: Scribe, word: str, indent: str = "    ") -> None:
    if indent:
        scribe.write("   ", part_of_speech="spacing", kind="indentation")
    scribe.write(" " + word if indent else word, part_of_speech="keyword")


def _variable(scribe: Scribe, name: str, kind: str, space: str) -> None:
    mention = scribe.mention(f"{kind} {name}")
    scribe.write(space + name, part_of_speech="identifier", kind=kind, mention=mention)


def _comma(scribe: Scribe) -> None:
    scribe.write(",", part_of_speech="punctuation", kind="comma")


def _open(scribe: Scribe, bracket: str) -> None:
    scribe.write("(", part_of_speech="punctuation", kind="opening bracket", bracket=bracket)


def _close(scribe: Scribe, bracket: str) -> None:
    scribe.write(")", part_of_speech="punctuation", kind="closing bracket", bracket=bracket)
