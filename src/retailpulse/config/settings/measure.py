"""How photos are measured."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.domain.errors import ConfigError
from retailpulse.domain.images import Depth


class Sandbox(StrEnum):
    """What is done if the kernel cannot confine decoders as it should."""

    AUTO = "auto"
    REQUIRED = "required"
    OFF = "off"


class ReviewPictures(StrEnum):
    """Of which photos a picture is kept that is large enough for a person to judge it."""

    FLAGGED = "flagged"
    ALL = "all"
    OFF = "off"


class MeasureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How photos are measured."""

    depth: Annotated[
        Depth,
        Meta(
            description="How thoroughly images are checked unless a job says so: header, download or decode."
        ),
    ] = Depth.DECODE
    max_pixels: Annotated[
        int, Meta(ge=1, description="Most pixels of an image, checked before it is decoded.")
    ] = 250_000_000
    decoders: Annotated[int, Meta(ge=1, le=256, description="Decoder processes per worker process.")] = 1
    timeout_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="Most CPU time of a decode, in seconds; by the clock it may take 20 times as long.",
        ),
    ] = 30.0
    memory_bytes: Annotated[
        int, Meta(ge=256_000_000, description="Most memory that one decoder process may use, in bytes.")
    ] = 800_000_000
    sandbox: Annotated[
        Sandbox,
        Meta(
            description="The sandbox of decoders (no_new_privs, no capabilities, Landlock, seccomp): auto "
            "takes what the kernel gives, required refuses to start with less, off takes none."
        ),
    ] = Sandbox.AUTO
    analyzers: Annotated[
        str,
        Meta(
            description="Analyzers that look at each decoded picture, by their names with commas between "
            "them (damage, sharpness, exposure, capture, fingerprint); all: every one there is; empty: none."
        ),
    ] = "all"
    analyzer_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="Most CPU time of one analyzer at one picture, in seconds; one that takes longer is "
            "left out for that picture.",
        ),
    ] = 2.0
    blurred_below: Annotated[
        float, Meta(ge=0, le=2, description="Sharpness below which a photo is flagged as blurred.")
    ] = 0.5
    soft_below: Annotated[
        float,
        Meta(ge=0, le=2, description="Sharpness below which a photo that is not blurred is flagged as soft."),
    ] = 0.6
    dark_below: Annotated[
        int,
        Meta(
            ge=0, le=255, description="A photo is flagged as dark if 95% of it is darker than this, of 255."
        ),
    ] = 70
    overexposed_above: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of a photo that is blown out above which it is flagged as overexposed.",
        ),
    ] = 0.35
    blank_below: Annotated[
        float,
        Meta(
            ge=0, le=1, description="Share of a photo that shows anything below which it is flagged as blank."
        ),
    ] = 0.06
    time_mismatch_hours: Annotated[
        float,
        Meta(
            ge=0,
            description="Hours between a visit and when its photo was taken, before or after it, above which "
            "the photo is flagged as time_mismatch; 0: none is.",
        ),
    ] = 24.0
    far_from_store_meters: Annotated[
        int,
        Meta(
            ge=0,
            description="Meters between a store and where its photo was taken above which the photo is "
            "flagged as far_from_store; 0: none is.",
        ),
    ] = 500
    stale_days: Annotated[
        float,
        Meta(
            ge=0,
            description="Days before its visit, or before its submit if the visit has no time, above which a "
            "photo is flagged as stale; 0: none is.",
        ),
    ] = 30.0
    thumbnails: Annotated[
        bool,
        Meta(
            description="Keep a thumbnail of at most 320 pixels of each photo that is measured by decoding."
        ),
    ] = True
    review_pictures: Annotated[
        ReviewPictures,
        Meta(
            description="Photos of which a picture of at most 1024 pixels is kept for review: flagged (for "
            "what their pixels say), all, or off."
        ),
    ] = ReviewPictures.FLAGGED
    pause_seconds: Annotated[
        str,
        Meta(
            description="Pause after each image that stands for a model, uniform between two bounds, "
            "e.g. 0.1-0.4; empty: none."
        ),
    ] = ""

    def pause(self) -> tuple[float, float] | None:
        """The bounds of the pause in seconds, or None; raises ConfigError if they are no bounds."""
        if not self.pause_seconds.strip():
            return None
        low, dash, high = self.pause_seconds.partition("-")
        try:
            bounds = (float(low), float(high if dash else low))
        except ValueError:
            bounds = (-1.0, -1.0)
        if not 0 <= bounds[0] <= bounds[1] <= 3600:
            raise ConfigError(
                f"RETAILPULSE_MEASURE_PAUSE_SECONDS is {self.pause_seconds!r}; write two bounds like 0.1-0.4"
            )
        return bounds
