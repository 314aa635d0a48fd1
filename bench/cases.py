"""What is measured: each depth on a small and on a large photo, and how a case is chosen by name.

How a case is run is `measuring`'s; the photos themselves are drawn in `photos`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retailpulse.domain.images import Depth
from retailpulse.fetch.intake import FIRST_LOOK_BYTES


class BenchFailed(Exception):
    """The bench cannot go on; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A kind of photo; `size_bytes` is what its file comes close to."""

    name: str
    width: int
    height: int
    size_bytes: int

    @property
    def file_name(self) -> str:
        """The name of its file at the origin."""
        return f"{self.name}.jpg"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A depth on a kind of photo; `probe_images` make the first, short job, which only warms up."""

    depth: Depth
    photo: Photo
    probe_images: int

    @property
    def name(self) -> str:
        """How the case is called on the page."""
        return f"{self.depth} {self.photo.name}"

    @property
    def byte_range(self) -> str | None:
        """The range that the service asks for first at this depth, as the Range header says it."""
        return f"0-{FIRST_LOOK_BYTES - 1}" if self.depth is Depth.HEADER else None

    @property
    def fetched_bytes(self) -> int:
        """About how many bytes of body are fetched per image."""
        size_bytes = self.photo.size_bytes
        return min(FIRST_LOOK_BYTES, size_bytes) if self.depth is Depth.HEADER else size_bytes


SMALL = Photo(name="10kB", width=240, height=180, size_bytes=10_000)
LARGE = Photo(name="12MP", width=4_032, height=3_024, size_bytes=2_500_000)
PHOTOS = (SMALL, LARGE)
CASES = (
    Case(depth=Depth.HEADER, photo=SMALL, probe_images=3_000),
    Case(depth=Depth.HEADER, photo=LARGE, probe_images=3_000),
    Case(depth=Depth.DOWNLOAD, photo=SMALL, probe_images=3_000),
    Case(depth=Depth.DOWNLOAD, photo=LARGE, probe_images=300),
    Case(depth=Depth.DECODE, photo=SMALL, probe_images=3_000),
    Case(depth=Depth.DECODE, photo=LARGE, probe_images=60),
)


def choose_cases(words: Sequence[str]) -> list[Case]:
    """The cases that words like `header` and `12MP` name: any of the depths, and any of the photos, named."""
    known = {*Depth, *(photo.name for photo in PHOTOS)}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise BenchFailed(f"there is no case {unknown[0]!r}; choose from {', '.join(sorted(known))}")
    depths = set(words) & set(Depth) or set(Depth)
    photos = set(words) - set(Depth) or {photo.name for photo in PHOTOS}
    return [case for case in CASES if case.depth in depths and case.photo.name in photos]
