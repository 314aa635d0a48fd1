"""The small pictures that are kept of a photo."""

from enum import StrEnum

from retailpulse.domain.images import Format

FORMAT = Format.JPEG
"""What all of them are."""


class ThumbnailKind(StrEnum):
    """How large one is: small, of every photo; or larger, of a photo that a person should look at."""

    THUMBNAIL = "thumbnail"
    REVIEW = "review"

    @property
    def most_pixels(self) -> int:
        """Pixels along its longer side at most."""
        return 320 if self is ThumbnailKind.THUMBNAIL else 1_024
