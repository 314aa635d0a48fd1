"""What the demo says of photos that are not to be trusted: a table of them, and whether all were found.

Everything comes from the answers of the service; copies are found a moment after their photos are measured.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from rich.table import Table
from rich.text import Text

from retailpulse.cli.terminal import printable
from retailpulse.cli.views import titled_table
from retailpulse.client import Client, Result
from retailpulse.demo.job import DemoJob
from retailpulse.domain.flags import Flag
from retailpulse.schema.reasons import Earlier, reasons

_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.3
_SHOWN = 30


def settled_flags(client: Client, planned: DemoJob, job_id: str) -> list[Result]:
    """All results of the job, when those that are to be flagged are, or have not been for too long."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while _missing(planned, list(client.results(job_id, flag=[*Flag]))) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
    return list(client.results(job_id))


def copied_photos(client: Client, job_id: str) -> Mapping[int, Earlier]:
    """The earlier photo of each copy in the job, by the number of the copy."""
    return {
        match.photo.image_no: Earlier(
            match.earlier.image_no, match.earlier.store_id, match.earlier.visit_time
        )
        for match in client.matches(job_id=job_id)
    }


def bad_photos(planned: DemoJob, rows: Sequence[Result], copied: Mapping[int, Earlier]) -> Table:
    """Each photo that is flagged, or should be, with its store, its flags and the reason."""
    table = titled_table("Photos not to be trusted")
    table.add_column("image", justify="right")
    for name in ("store", "photo", "flags", "reason"):
        table.add_column(name)
    missing = _missing(planned, rows)
    for row in [row for row in rows if row.flags or row.image_no in missing][:_SHOWN]:
        name = urlsplit(row.image_url).path.rpartition("/")[2]
        why = reasons(row, copied.get(row.image_no))
        if row.image_no in missing:
            why = f"expected {', '.join(sorted(missing[row.image_no]))}: not flagged" + (
                f"; {why}" if why else ""
            )
        style = "red" if row.image_no in missing else None
        told = (row.store_id, name, ", ".join(row.flags) or "-", why)
        table.add_row(str(row.image_no), *(Text(printable(text)) for text in told), style=style)
    return table


def check_flags(planned: DemoJob, rows: Sequence[Result], copied: Mapping[int, Earlier]) -> list[str]:
    """The differences from the plan, a line each: flags that are missing, wrong, or of no reason."""
    differences = [
        *_not_flagged(planned, rows),
        *_copies_of_others(planned, copied),
        *_flagged_in_vain(planned, rows),
    ]
    return differences[:_SHOWN]


def _not_flagged(planned: DemoJob, rows: Sequence[Result]) -> Iterator[str]:
    for image_no, flags in _missing(planned, rows).items():
        yield f"image {image_no}: expected {', '.join(sorted(flags))}: not flagged"


def _copies_of_others(planned: DemoJob, copied: Mapping[int, Earlier]) -> Iterator[str]:
    for photo in planned.bad:
        found = copied.get(photo.image_no)
        if found is not None and photo.original not in {None, found.image_no}:
            yield f"image {photo.image_no}: copy of image {photo.original}, not of {found.image_no}"


def _flagged_in_vain(planned: DemoJob, rows: Sequence[Result]) -> Iterator[str]:
    bad = {photo.image_no for photo in planned.bad}
    for row in rows:
        if row.flags and row.image_no not in bad:
            yield f"image {row.image_no}: flagged {', '.join(row.flags)}: nothing is wrong with it"


def _missing(planned: DemoJob, rows: Sequence[Result]) -> Mapping[int, frozenset[str]]:
    """The flags that images should have and do not."""
    flags = {row.image_no: frozenset(row.flags) for row in rows}
    lacking = {photo.image_no: photo.flags - flags.get(photo.image_no, frozenset()) for photo in planned.bad}
    return {image_no: absent for image_no, absent in lacking.items() if absent}
