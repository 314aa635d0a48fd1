"""AVIF: AV1 in the container that HEIC has too (`heif`); decoded by Pillow."""

from functools import partial
from typing import Any

from retailpulse.domain.images import Format
from retailpulse.measure.formats import heif
from retailpulse.measure.formats.image_format import ImageFormat
from retailpulse.measure.formats.libraries import library
from retailpulse.measure.formats.pillow import Plugin

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
    bytes_per_pixel=9,
    reports_out_of_memory=False,
)
