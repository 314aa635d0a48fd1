"""Asking an analyzer, and believing what a decoder says that it answered."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy
import pytest

from retailpulse.analyze import Analyzer, ask, believed
from retailpulse.analyze.analyzer import MAX_FACTS_BYTES
from retailpulse.domain.analysis import MAX_REASON, Analysis
from retailpulse.measure.body import decode_body
from tests.measure.pictures import FLAVOURS, LIMIT

HEADER, PICTURE = decode_body(FLAVOURS["jpeg baseline"].body, LIMIT)


class Facts(msgspec.Struct):
    value: int


class Anything(msgspec.Struct):
    value: Any


def analyzer(value: Callable[[], Any], name: str = "test", version: int = 4) -> Analyzer:
    return Analyzer(name=name, version=version, facts=Facts, analyze=lambda *_: Anything(value()))


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@pytest.mark.parametrize("value", [True, 3, -(2**63), 0.5, "text", "é" * 100, None])
def test_plain_facts_come_with_name_and_version(value: Any) -> None:
    told = ask(analyzer(lambda: value), PICTURE, HEADER)
    assert told == Analysis(analyzer="test", version=4, facts={"value": value})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda: [1, 2], "it raised ValidationError"),
        (lambda: {"a": 1}, "it raised ValidationError"),
        (lambda: float("inf"), "it raised ValidationError"),
        (lambda: float("nan"), "it raised ValidationError"),
        (lambda: 2**64 - 1, "it raised ValidationError"),
        (lambda: numpy.zeros(3), "it raised TypeError"),
        (lambda: "a\0b", "it raised ValidationError"),
        (lambda: b"bytes", "it raised ValidationError"),
        (lambda: "x" * MAX_FACTS_BYTES, f"its facts are longer than {MAX_FACTS_BYTES} bytes"),
        (raising(ZeroDivisionError("é\0\n  and more")), "it raised ZeroDivisionError: ? and more"),
        (raising(MemoryError()), "it raised MemoryError:"),
        (raising(RecursionError("x" * 500)), "it raised RecursionError: xxx"),
    ],
)
def test_whatever_else_an_analyzer_does_is_a_reason_why_it_has_no_facts(
    value: Callable[[], Any], reason: str
) -> None:
    told = ask(analyzer(value), PICTURE, HEADER)
    assert told.facts is None
    assert told.reason is not None
    assert told.reason.startswith(reason)
    assert len(told.reason) <= MAX_REASON
    assert told.reason.isprintable()


A, B, C = (analyzer(lambda: 1, name) for name in "abc")


def analysis(name: str, value: Any = 1, version: int = 4) -> Analysis:
    return Analysis(analyzer=name, version=version, facts={"value": value})


def test_one_analysis_of_each_analyzer_in_their_order_is_believed() -> None:
    nothing = [Analysis(analyzer=name, version=4, reason="it gave no answer") for name in "abc"]
    assert believed([analysis("a", version=9), analysis("b"), analysis("c")], [A, B, C], {}) == (
        analysis("a", version=9),
        analysis("b"),
        analysis("c"),
    )
    assert believed([analysis("a"), analysis("stranger"), analysis("c")], [A, B, C], {}) == (
        analysis("a"),
        nothing[1],
        analysis("c"),
    )
    assert believed([analysis("a")], [A, B, C], {}) == (analysis("a"), *nothing[1:])
    assert believed([analysis(name) for name in "abcd"], [A], {}) == (analysis("a"),)


@pytest.mark.parametrize("value", ["1", None, 1.5, True])
def test_facts_of_another_type_are_not_believed(value: Any) -> None:
    (found,) = believed([analysis("a", value)], [A], {})
    assert found == Analysis(analyzer="a", version=4, reason="its facts are not of its type")


def test_facts_that_the_analyzer_does_not_have_are_dropped() -> None:
    (found,) = believed([Analysis(analyzer="a", version=4, facts={"value": 1, "more": 2})], [A], {})
    assert found == analysis("a")


def test_an_analyzer_that_was_left_out_has_a_reason_and_no_facts() -> None:
    found = believed([analysis("a"), analysis("c")], [A, B, C], {1: "it took too long", 7: "never was"})
    late = Analysis(analyzer="b", version=4, reason="it took too long")
    assert found == (analysis("a"), late, analysis("c"))


def test_an_analyzer_that_failed_keeps_its_reason() -> None:
    failed = Analysis(analyzer="a", version=4, reason="it raised ValueError: no")
    assert believed([failed], [A], {}) == (failed,)
