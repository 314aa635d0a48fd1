"""AVIF: AV1 in the container that HEIC has too (`heif`); decoded by Pillow."""

from functools import partial
from typing import Any

from retailpulse.domain.images import Format
from retailpulse.measure.formats import heif
from retailpulse.measure.formats.heif_items import in_bounds, parts_of_items
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.libraries import library
from retailpulse.measure.formats.pillow import Plugin
from retailpulse.measure.formats.work import Work
from retailpulse.measure.formats.zeros import has_zeros

LONGEST_ZEROS = 128
"""More zeros in a row than AV1 data of whole pictures have: photos and flat ones alike, at most 6."""


def find_damage(body: bytes, _: Size, work: Work) -> str | None:
    """Whether the data of a picture have zeros that no encoder writes, in a few words; None if none have."""
    for parts in in_bounds(body, parts_of_items(body, b"av01", work)):
        for part in parts:
            if has_zeros(body, part.start, part.stop, LONGEST_ZEROS):
                return "the AV1 data have a run of zeros that no picture makes"
    return None


_PLUGIN = Plugin("AVIF", "AvifImagePlugin", needs=("avif",))


def _load() -> None:
    _PLUGIN.load()
    plugin: Any = library("PIL.AvifImagePlugin")
    plugin.DEFAULT_MAX_THREADS = 1  # the worker's threads are parallel enough


FORMAT = ImageFormat(
    name=Format.AVIF,
    starts=heif.STARTS,
    starts_at=heif.STARTS_AT,
    is_it=partial(heif.is_coded_as, Format.AVIF),
    read_size=heif.read_size,
    why_no_size=heif.why_no_size,
    check_end=heif.check_end,
    load=_load,
    decode=_PLUGIN.decode,
    find_damage=find_damage,
    bytes_per_pixel=9,
    reports_out_of_memory=False,
)
