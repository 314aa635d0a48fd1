"""The body of a form of a page: fields of text, of which one may say where to go on."""

from typing import Annotated

from litestar.enums import RequestEncodingType
from litestar.params import Body

FormBody = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def own_address(to: str) -> str:
    """A page of this service, `/` for any other address: that could lead a person away."""
    is_own = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_own else "/"
