"""The description of an analyzer, how it is run, and the check of facts that come from another process.

An exception of an analyzer costs its own facts, here. A crash or too much CPU time ends its process: the
worker (`measure.process_pool`) sees that and has the picture measured again without it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from retailpulse.analyze.picture import Picture
from retailpulse.domain.analysis import MAX_REASON, Analysis, Facts
from retailpulse.domain.images import Header

MAX_ANALYZERS = 10
MAX_FACTS_BYTES = 400
"""Most bytes of the facts of one analyzer about one picture, as they are sent."""

Exif: TypeAlias = Callable[[], bytes | None]
"""`Picture.exif`: finds the EXIF data when it is called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Analyzer:
    """An analyzer: the module of each exports one, as `ANALYZER`.

    Raise `version` whenever the same picture may give other facts. `facts` is what `analyze` returns: at most
    16 fields of bool, int, float, str or None, together 400 bytes. `analyze` may do nothing but compute;
    `load` imports what it needs, before its process is confined.
    """

    name: str
    version: int
    facts: type[msgspec.Struct]
    analyze: Callable[[Picture, Header, Exif], msgspec.Struct]
    load: Callable[[], object] = dict


_encode = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(Facts).decode


def ask(analyzer: Analyzer, picture: Picture, header: Header) -> Analysis:
    """The analysis of a picture by one analyzer; an exception of the analyzer becomes its reason."""
    try:
        told = _encode(analyzer.analyze(picture, header, picture.exif))
        if len(told) > MAX_FACTS_BYTES:
            return _absent(analyzer, f"its facts are longer than {MAX_FACTS_BYTES} bytes")
        facts = _decode_facts(told)  # so that the worker can read all that it is sent
    except Exception as error:
        return _absent(analyzer, f"it raised {type(error).__name__}: {error}")
    return Analysis(analyzer=analyzer.name, version=analyzer.version, facts=facts)


def believed(
    told: Sequence[Analysis], analyzers: Sequence[Analyzer], left_out: Mapping[int, str]
) -> tuple[Analysis, ...]:
    """One analysis of each analyzer, in their order, out of what a process told that may be compromised.

    It tells those of the analyzers that ran, in the same order. Facts that are not of the analyzer's type are
    dropped. `left_out` has, by place, the analyzers that did not run, and why.
    """
    answers = iter(told)
    return tuple(
        [
            _absent(analyzer, left_out[place])
            if place in left_out
            else _believed(analyzer, next(answers, None))
            for place, analyzer in enumerate(analyzers)
        ]
    )


def _believed(analyzer: Analyzer, told: Analysis | None) -> Analysis:
    if told is None or told.analyzer != analyzer.name:
        return _absent(analyzer, "it gave no answer")
    if told.facts is None:
        return _absent(analyzer, told.reason or "it gave no answer")
    try:
        facts = msgspec.convert(told.facts, analyzer.facts)
    except msgspec.ValidationError:
        return _absent(analyzer, "its facts are not of its type")
    if tuple(told.facts) == analyzer.facts.__struct_fields__ and told.reason is None:
        return told
    return Analysis(analyzer=analyzer.name, version=told.version, facts=msgspec.structs.asdict(facts))


def _absent(analyzer: Analyzer, reason: str) -> Analysis:
    text = " ".join(reason.encode("ascii", "replace").decode().replace("\0", " ").split())
    return Analysis(analyzer=analyzer.name, version=analyzer.version, reason=text[:MAX_REASON])
