"""Hosts that serve perfectly what is no photo, half a photo, or far too much of one."""

from retailpulse.domain.images import Cause
from tests.hostile.bodies import (
    HTML,
    SVG,
    bomb_png,
    corrupt_png,
    cut_photo,
    huge_png,
    polyglot,
    small_jpeg,
    zip_file,
)
from tests.hostile.responses import gives
from tests.hostile.trick import MEASURED, Trick

BODIES = (
    Trick(
        name="html",
        about="a login page with 200",
        answer=gives(lambda: HTML, Content_Type="text/html"),
        expected=Cause.UNSUPPORTED_FORMAT,
        detail="HTML",
    ),
    Trick(
        name="svg",
        about="SVG",
        answer=gives(lambda: SVG, Content_Type="image/svg+xml"),
        expected=Cause.UNSUPPORTED_FORMAT,
        detail="SVG",
    ),
    Trick(
        name="zip",
        about="a ZIP that is called a JPEG",
        answer=gives(zip_file),
        expected=Cause.UNSUPPORTED_FORMAT,
    ),
    Trick(name="polyglot", about="a JPEG that is a ZIP as well", answer=gives(polyglot)),
    Trick(
        name="text-plain",
        about="a JPEG that is called text",
        answer=gives(small_jpeg, Content_Type="text/plain"),
    ),
    Trick(
        name="png-bomb",
        about="a PNG that says 20,000 x 20,000",
        answer=gives(bomb_png),
        expected=Cause.TOO_MANY_PIXELS,
    ),
    Trick(
        name="png-huge",
        about="a PNG of 249 million black pixels",
        answer=gives(huge_png),
        heavy=True,
    ),
    Trick(
        name="jpeg-cut",
        about="half a JPEG, the length true",
        answer=gives(cut_photo),
        expected=Cause.TRUNCATED,
        of_head=MEASURED,
    ),
    Trick(
        name="png-corrupt",
        about="a PNG with damaged pixels",
        answer=gives(corrupt_png),
        expected=Cause.CORRUPT,
        of_head=MEASURED,
    ),
)
