"""Puts a measurement together: the header, the whole file, and what analyzers found.

An analyzer's fact that has the name of a field of ImageFacts becomes that field. It may come from a decoder
that a picture has taken over, so it must be what its column can hold: one that is not is left out.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.analysis import MAX_TEXT, Analysis
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
    measurement = Measurement(
        **msgspec.structs.asdict(header),
        size_bytes=size_bytes,
        sha256=sha256,
        analyses=tuple(analyses),
        **dict(_facts(analyses)),
    )
    flags = flags_of(measurement, thresholds) if analyses else []
    return msgspec.structs.replace(measurement, flags=flags) if flags else measurement


def _facts(analyses: Sequence[Analysis]) -> Iterator[tuple[str, Any]]:
    for analysis in analyses:
        for name, value in (analysis.facts or {}).items():
            if value is None or name not in _ANALYZED:
                continue
            try:
                yield name, msgspec.convert(value, _ANALYZED[name])
            except msgspec.ValidationError:
                continue
