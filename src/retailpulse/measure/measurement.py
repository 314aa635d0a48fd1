"""Puts a measurement together: the header, the whole file, and what analyzers found.

An analyzer's fact that has the name of a field of ImageFacts becomes that field. It may come from a decoder
that a picture has taken over, so it must be what its column can hold: one that is not is left out. The same
holds for the fingerprint, which has no column of results.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain import fingerprints
from retailpulse.domain.analysis import MAX_TEXT, Analysis, Fact
from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Header
from retailpulse.measure.flags import flags_of
from retailpulse.schema import ANALYZED_FACTS, Measurement
from retailpulse.schema.columns import SqlType

_BOUNDS: dict[SqlType, Any] = {
    SqlType.TEXT: Annotated[str, Meta(max_length=MAX_TEXT, pattern=r"\A[^\x00]*\Z")],
    SqlType.SMALLINT: Annotated[int, Meta(ge=-(2**15), lt=2**15)],
    SqlType.INTEGER: Annotated[int, Meta(ge=-(2**31), lt=2**31)],
    SqlType.BIGINT: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)],
    SqlType.DOUBLE: Annotated[float, Meta(ge=-1e300, le=1e300)],  # neither infinite nor NaN
    SqlType.BOOLEAN: bool,
    SqlType.TEXTS: list[str],
}
"""What a column can hold: a value beyond that would keep a whole batch of results from being written."""
_DEFAULT = MeasureSettings()
_FINGERPRINT = "fingerprint"
_ANALYZED = {fact.name: fact.words or _BOUNDS[fact.sql_type] for fact in ANALYZED_FACTS}
"""The facts that analyzers find, each with the type of its values."""


def make_measurement(
    header: Header,
    *,
    size_bytes: int | None = None,
    sha256: str | None = None,
    analyses: Sequence[Analysis] = (),
    thresholds: MeasureSettings = _DEFAULT,
) -> Measurement:
    """The measurement of an image; `size_bytes` and `sha256` (hexadecimal) are None at depth `header`."""
    fingerprint, others = _split(analyses)
    measurement = Measurement(
        **msgspec.structs.asdict(header),
        size_bytes=size_bytes,
        sha256=sha256,
        analyses=others,
        **dict(_facts(analyses)),
    )
    flags = flags_of(measurement, thresholds) if analyses else []
    if Flag.BLANK in flags:
        fingerprint = None  # all pictures of nothing resemble each other
    if fingerprint is None and not flags:
        return measurement
    return msgspec.structs.replace(measurement, flags=flags, fingerprint=fingerprint)


def _split(analyses: Sequence[Analysis]) -> tuple[bytes | None, tuple[Analysis, ...]]:
    """The fingerprint, if there is a valid one, and the analyses without it."""
    found: bytes | None = None
    others: list[Analysis] = []
    for analysis in analyses:
        if analysis.facts is None or _FINGERPRINT not in analysis.facts:
            others.append(analysis)
            continue
        found = _decoded(analysis.facts[_FINGERPRINT])
        facts = {name: value for name, value in analysis.facts.items() if name != _FINGERPRINT}
        others.append(msgspec.structs.replace(analysis, facts=facts))
    return found, tuple(others)


def _decoded(told: Fact) -> bytes | None:
    if not isinstance(told, str):
        return None
    try:
        data = b64decode(told, validate=True)
    except (binascii.Error, ValueError):  # ValueError of what is not ASCII
        return None
    return data if fingerprints.is_valid(data) else None


def _facts(analyses: Sequence[Analysis]) -> Iterator[tuple[str, Any]]:
    for analysis in analyses:
        for name, value in (analysis.facts or {}).items():
            if value is None or name not in _ANALYZED:
                continue
            try:
                yield name, msgspec.convert(value, _ANALYZED[name])
            except msgspec.ValidationError:
                continue
