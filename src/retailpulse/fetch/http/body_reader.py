"""Takes the bytes of one image, from one answer or from several parts, and says when to stop.

Sizes are counted here, after decompression. Nothing is parsed or hashed: `enough` and `tap` are the caller's.
"""

from collections.abc import Callable

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed

FIRST_LOOK_BYTES = 16_384
SMALL_BYTES = 1_024
"""Smaller pieces are joined before they are kept: as an object of its own each byte would weigh fifty."""
_JOINED_BYTES = 16_384
MOST_SMALL = 250_000
"""Most small pieces of a body, beside one for each 64 bytes: no server needs more for a photo."""
_LEAST_MEAN_BYTES = 64
_LOOK_GROWTH = 4

Enough = Callable[[bytes], bool]
"""Whether the bytes so far are all that is needed; asked at growing sizes, so that asking stays cheap."""
Check = Callable[[bytes], object]
"""Called once with the first 16 kB of a body that has so many; what it raises ends the fetch."""
Tap = Callable[[], Callable[[bytes], object]]
"""Called at the beginning of a body: gives the function that is called with each of its pieces."""


class BodyReader:
    """The body so far, as the pieces that it came in."""

    def __init__(
        self,
        *,
        max_bytes: int,
        enough: Enough | None = None,
        check: Check | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.max_bytes = max_bytes
        self._enough = enough
        self._check = check
        self._tap = tap
        self.pieces: list[bytes] = []
        self.keep: Callable[[bytes], object] = self.pieces.append
        self._small = bytearray()
        self._small_count = 0
        self._next_look = FIRST_LOOK_BYTES if enough or check else max_bytes + 1
        self._looked_bytes = -1
        self._part_end: int | None = None
        self.size = 0
        self.satisfied = False
        self.is_beyond_part = False  # more bytes came than the range that was asked for
        self.failure: BaseException | None = None
        self.unclean_end: TryFailed | None = None
        """How the answer broke off, if its length was not declared: the body may be whole, or may not."""

    def begin_whole(self) -> None:
        """The body comes from its first byte on; what was there before is dropped."""
        self.pieces.clear()
        self._small.clear()
        self.size = self._small_count = 0
        self._part_end = None
        self.is_beyond_part = False
        self.unclean_end = None
        if self._tap is not None:
            self.keep = _both(self.pieces.append, self._tap())

    def begin_part(self, end: int | None) -> None:
        """The body goes on, up to the byte before `end`; a part with an end is looked at when it is over.

        Leaving it earlier would cost the connection and save nothing.
        """
        self._part_end = end
        self.unclean_end = None

    @property
    def free_bytes(self) -> int:
        """Bytes that may go straight to `keep` and be counted later, without a decision."""
        if self._small:
            return 0
        end = self._next_look - 1 if self._part_end is None else self._part_end
        return max(0, min(end, self.max_bytes) - self.size)

    def feed(self, piece: bytes) -> bool:
        """Keep a piece; False says that no more is wanted: see `satisfied` and `failure`."""
        self.size += len(piece)
        if self.size > self.max_bytes:
            self.failure = self.too_large()
            return False
        if len(piece) >= SMALL_BYTES:
            self.join_small()
            self.keep(piece)
        elif not self._keep_small(piece):
            return False
        if self._part_end is None:
            return self.size < self._next_look or not self.look()
        self.is_beyond_part = self.size > self._part_end
        return not self.is_beyond_part

    def join_small(self) -> None:
        """Keep the small pieces that came last as one."""
        if self._small:
            self.keep(bytes(self._small))
            self._small.clear()

    def _keep_small(self, piece: bytes) -> bool:
        self._small += piece
        self._small_count += 1
        if self._small_count > MOST_SMALL + self.size // _LEAST_MEAN_BYTES:
            self.failure = TryFailed(Cause.BAD_RESPONSE, "the body comes in pieces of a few bytes")
            return False
        if len(self._small) >= _JOINED_BYTES:
            self.join_small()
        return True

    def too_large(self) -> TryFailed:
        """The failure of a body over the limit."""
        return TryFailed(Cause.TOO_LARGE, f"larger than {self.max_bytes} bytes")

    def look(self) -> bool:
        """Ask `enough` about the body so far; what it raises is kept, True ends the transfer."""
        if self._check is not None:
            return not self._is_worth_reading(self._check)
        if self._enough is None or self.size == self._looked_bytes:
            return self.satisfied
        self._looked_bytes = self.size
        while self._next_look <= self.size:
            self._next_look *= _LOOK_GROWTH
        try:
            self.satisfied = self._enough(self._body())
        except Exception as error:  # libcurl's C code calls us and cannot pass an exception on
            self.failure = error
        return self.satisfied or self.failure is not None

    def _is_worth_reading(self, check: Check) -> bool:
        """Ask `check` about the first bytes, once."""
        self._check = None
        if self._enough is None:
            self._next_look = self.max_bytes + 1
        try:
            check(self._body())
        except Exception as error:
            self.failure = error
        return self.failure is None

    def raise_failure(self) -> None:
        """Raise what ended the transfer, if it was ended here.

        It is forgotten here and by this frame: its traceback leads back to this body, and a ring of the two
        would keep the body until the garbage collector comes by.
        """
        if self.failure is None:
            return
        failure, self.failure = self.failure, None
        try:
            raise failure
        finally:
            del failure

    def _body(self) -> bytes:
        """All bytes taken so far, which then are one piece."""
        self.join_small()
        if len(self.pieces) != 1:
            self.pieces[:] = [b"".join(self.pieces)]
        return self.pieces[0]


def _both(one: Callable[[bytes], object], other: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def call(piece: bytes) -> None:
        one(piece)
        other(piece)

    return call
