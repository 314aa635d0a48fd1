"""The formats of answers that may be files: their media types, and which of them a request asks for."""

from collections.abc import Iterable

from retailpulse.api.openapi.annotations import CSV, JSON, NDJSON, PARQUET, XLSX
from retailpulse.domain.errors import InvalidRequest

MEDIA_TYPES = {"json": JSON, "csv": CSV, "ndjson": NDJSON, "parquet": PARQUET, "xlsx": XLSX}
"""The media type of each format, by its name."""
LIST_FORMATS = ("json", "csv", "xlsx")
"""The formats of lists and reports: pages, or all rows as a file."""


def asked_format(name: str | None, accept: str, formats: Iterable[str]) -> str:
    """The format that is named, else the first of `formats` in the header Accept, else JSON.

    Raises InvalidRequest for a name that is none of `formats`.
    """
    known = tuple(formats)
    if name is not None:
        if name not in known:
            raise InvalidRequest(f"format: {name[:100]!r} is not one of {', '.join(known)}")
        return name
    by_type = {MEDIA_TYPES[each]: each for each in known}
    for part in accept.split(","):
        found = by_type.get(part.partition(";")[0].strip().lower())
        if found is not None:
            return found
    return "json"


def attachment(name: str) -> dict[str, str]:
    """The header that gives a download the name of its file."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}
