"""What tests of odd files ask: is the picture measured as whole at every depth, why not, and what is seen."""

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body
from retailpulse.measure.body import decode_body

from .pictures import HEIGHT, LIMIT, WIDTH


def assert_whole(body: bytes, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Every depth measures it, and nothing is suspect."""
    for depth in Depth:
        measured = measure_body(body, depth, LIMIT)
        assert (measured.width, measured.height, measured.suspect) == (width, height, None)


def failure(body: bytes, depth: Depth = Depth.DECODE) -> ImageError:
    with pytest.raises(ImageError) as caught:
        measure_body(body, depth, LIMIT)
    return caught.value


def grey(body: bytes) -> bytes:
    """The pixels in grey, row by row."""
    return decode_body(body, LIMIT)[1].grey(1).tobytes()
