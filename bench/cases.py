"""What is measured: each depth on three sizes of photo, what is wanted of it, and how it is chosen by name.

How a case is run is `case_runner`'s; the photos themselves are drawn in `photos`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Target, at_least, at_most
from retailpulse.domain.images import Depth
from retailpulse.fetch.http.body_reader import FIRST_LOOK_BYTES


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
    """A depth on a kind of photo; `probe_images` make the first, short job, which only warms up.

    `share` is what is wanted of the rate over its limit; `fetched` of the bytes fetched per image, and
    `peak_mb` of the memory of all our processes.
    """

    depth: Depth
    photo: Photo
    probe_images: int
    share: Target | None = None
    fetched: Target | None = None
    peak_mb: Target | None = None

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


SMALL = Photo(name="10kB", width=320, height=240, size_bytes=10_000)
MEDIUM = Photo(name="214kB", width=1_280, height=960, size_bytes=214_000)
LARGE = Photo(name="12MP", width=4_032, height=3_024, size_bytes=2_500_000)
PHOTOS = (SMALL, MEDIUM, LARGE)
CASES = (
    Case(depth=Depth.HEADER, photo=SMALL, probe_images=3_000),
    Case(depth=Depth.HEADER, photo=MEDIUM, probe_images=3_000),
    Case(depth=Depth.HEADER, photo=LARGE, probe_images=3_000, share=at_least(0.20), fetched=at_most(70_000)),
    Case(depth=Depth.DOWNLOAD, photo=SMALL, probe_images=3_000),
    Case(depth=Depth.DOWNLOAD, photo=MEDIUM, probe_images=1_500),
    Case(depth=Depth.DOWNLOAD, photo=LARGE, probe_images=300, share=at_least(0.50)),
    Case(depth=Depth.DECODE, photo=SMALL, probe_images=3_000, share=at_least(0.40)),
    Case(depth=Depth.DECODE, photo=MEDIUM, probe_images=400, share=at_least(0.75)),
    Case(depth=Depth.DECODE, photo=LARGE, probe_images=60, share=at_least(0.80), peak_mb=at_most(500)),
)


def find_case(depth: Depth, photo: Photo) -> Case:
    """The case of a depth and a photo."""
    return next(case for case in CASES if (case.depth, case.photo) == (depth, photo))


def choose_cases(words: Sequence[str], *, also: Sequence[str] = ()) -> list[Case]:
    """The cases that words like `header` and `12MP` name: any of the depths, and any of the photos, named.

    `also` are words for other things, which are told to who writes an unknown one.
    """
    known = [*Depth, *(photo.name for photo in PHOTOS)]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise BenchFailed(f"there is no case {unknown[0]!r}; choose from {', '.join([*known, *also])}")
    depths = set(words) & set(Depth) or set(Depth)
    photos = set(words) - set(Depth) or {photo.name for photo in PHOTOS}
    return [case for case in CASES if case.depth in depths and case.photo.name in photos]
