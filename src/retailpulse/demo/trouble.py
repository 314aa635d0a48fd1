"""What goes wrong in the field, as visits of the demo's job: images that fail, and photos not to be trusted.

Originals of photos that are handed in again stand before them, in earlier visits of other stores.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from retailpulse.demo import album
from retailpulse.demo.album import ORIGINALS, Photo
from retailpulse.demo.exif import Capture
from retailpulse.demo.job import Builder, DemoJob, Make, fill
from retailpulse.domain.images import Cause

CUT_FILE = "cut-upload.jpg"
"""A photo whose upload broke off: the server sends all it has, and it ends in the middle."""

TEXT_FILE = "not-a-photo.jpg"
"""A text file with a photo's name and a photo's content type."""

UNKNOWN_STORE = "RP99999"
CUT_PHOTO = album.ALBUM[0].name
"""The photo of which the cut ones are made."""

_CUT_SHARE = 0.6
_TEXT = "Meeting notes: ask the shops for photos, not for text files that are called photos.\n"
_DAYS_LATE = 40
_TOO_FAR = 0.011  # degrees of latitude: 1.2 km


def build_job(*, origin: str, images: int, now: datetime) -> DemoJob:
    """A job of exactly `images` images on `origin`, visits spread over the month before `now`."""
    builder = Builder(origin=origin, now=now)
    _failing_visits(builder)
    _bad_visits(builder)
    fill(builder, images)
    return builder.finished()


def write_bad_files(folder: Path) -> None:
    """Write the files that are no whole photos into the folder in which the photos were drawn."""
    whole = (folder / CUT_PHOTO).read_bytes()
    (folder / CUT_FILE).write_bytes(whole[: int(len(whole) * _CUT_SHARE)])
    (folder / TEXT_FILE).write_text(_TEXT, encoding="utf-8")


def _failing_visits(builder: Builder) -> None:
    good = Builder.good
    builder.visit("RP00001", [good, good])
    builder.visit(UNKNOWN_STORE, [_failing(f"photos/{CUT_PHOTO}?of=2", Cause.STORE_ID_NOT_FOUND)])
    missing = _failing("missing/photo.jpg", Cause.HTTP_STATUS)
    builder.visit("RP00007", [missing, _failing(f"photos/{TEXT_FILE}", Cause.UNSUPPORTED_FORMAT)])
    cut_on_the_way = _failing(f"cut/{CUT_PHOTO}", Cause.TRUNCATED)
    builder.visit("RP00012", [_failing(f"photos/{CUT_FILE}", Cause.TRUNCATED), cut_on_the_way])


def _bad_visits(builder: Builder) -> None:
    """Three originals in three stores, weeks ago; then the copies and the other bad photos."""
    originals = []
    for store_id, photo in zip(("RP00003", "RP00018", "RP00033"), ORIGINALS, strict=True):
        builder.visit(store_id, [_drawn(photo)], days_ago=24)
        originals.append(builder.images)
    builder.visit("RP00016", [_copy(album.REENCODED, originals[0]), _drawn(album.BLURRED, "blurred")])
    builder.visit("RP00034", [_copy(album.CROPPED, originals[1]), _drawn(album.DARK, "dark")])
    builder.visit("RP00047", [_copy(album.SCREENSHOT, originals[2]), _drawn(album.BLANK, "blank")])
    builder.visit("RP00005", [_drawn(album.OVEREXPOSED, "overexposed"), _out_of_date])
    builder.visit("RP00052", [_out_of_place])


def _failing(path: str, cause: Cause) -> Make:
    return lambda builder, _: builder.failing(path, cause)


def _drawn(photo: Photo, *flags: str) -> Make:
    def make(builder: Builder, capture: Capture) -> str:
        if flags:
            builder.expect(*flags)
        return builder.draw(replace(photo, capture=capture))

    return make


def _copy(photo: Photo, original: int) -> Make:
    """A copy has no EXIF data: a messenger took them away."""

    def make(builder: Builder, _: Capture) -> str:
        builder.expect("copy", original=original)
        return builder.draw(photo)

    return make


def _out_of_date(builder: Builder, capture: Capture) -> str:
    builder.expect("time_mismatch", "stale")
    return builder.compose(replace(capture, taken_at=capture.taken_at - timedelta(days=_DAYS_LATE)))


def _out_of_place(builder: Builder, capture: Capture) -> str:
    builder.expect("far_from_store")
    store = builder.stores["RP00052"]
    place = (float(store["Latitude"]) + _TOO_FAR, float(store["Longitude"]))
    return builder.compose(replace(capture, place=place))
