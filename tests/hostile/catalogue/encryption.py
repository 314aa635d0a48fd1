"""Hosts that speak TLS and HTTP/2, well and badly."""

from retailpulse.domain.images import Cause
from tests.hostile.bodies import cut_photo, endless_photo, photo, small_jpeg
from tests.hostile.catalogue.lines import hang, hang_up
from tests.hostile.http2 import Http2Play
from tests.hostile.responses import gives
from tests.hostile.stage import Line
from tests.hostile.trick import MEASURED, Certificate, Door, Trick

_GOOD = gives(small_jpeg)
_GOOD_FRAMES = Http2Play(body=lambda: iter([photo()]))
_UNTRUSTED = {
    "expired": ("a certificate that ended yesterday", Certificate.EXPIRED, "has expired"),
    "wrong-name": ("a certificate for another host", Certificate.WRONG_NAME, "for another name"),
    "self-signed": ("a certificate that vouches for itself", Certificate.SELF_SIGNED, "by itself alone"),
}


async def _plain(line: Line) -> None:
    """Answer a handshake in HTTP, as a server does that takes it for a bad request."""
    await line.receive()
    await line.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def _hang_up_within(line: Line) -> None:
    await line.receive()


ENCRYPTION = (
    Trick(name="tls-good", about="a JPEG over TLS", door=Door.TLS, answer=_GOOD),
    *(
        Trick(
            name=f"tls-{name}",
            about=about,
            door=Door.TLS,
            certificate=certificate,
            answer=_GOOD,
            expected=Cause.TLS,
            detail=detail,
        )
        for name, (about, certificate, detail) in _UNTRUSTED.items()
    ),
    Trick(
        name="tls-plain",
        about="plain HTTP where TLS is due",
        door=Door.TLS_PORT,
        greet=_plain,
        expected=Cause.TLS,
    ),
    Trick(
        name="tls-silent",
        about="never answers the handshake",
        door=Door.TLS_PORT,
        greet=hang,
        expected=Cause.TLS,
        waits=True,
    ),
    Trick(
        name="tls-closes",
        about="closes before the handshake",
        door=Door.TLS_PORT,
        greet=hang_up,
        expected=Cause.TLS,
    ),
    Trick(
        name="tls-closes-within",
        about="closes within the handshake",
        door=Door.TLS_PORT,
        greet=_hang_up_within,
        expected=Cause.TLS,
    ),
    Trick(name="h2-good", about="a JPEG over HTTP/2", door=Door.TLS, http2=_GOOD_FRAMES),
    Trick(name="h2-twin-a", about="shares its certificate with h2-twin-b", door=Door.TLS, http2=_GOOD_FRAMES),
    Trick(name="h2-twin-b", about="shares its certificate with h2-twin-a", door=Door.TLS, http2=_GOOD_FRAMES),
    Trick(
        name="h2-reset",
        about="breaks the stream off within the body",
        door=Door.TLS,
        http2=Http2Play(body=lambda: iter([cut_photo()]), is_reset=True),
        expected=Cause.TRUNCATED,
        of_head=MEASURED,
    ),
    Trick(
        name="h2-goaway",
        about="calls the connection off before any answer",
        door=Door.TLS,
        http2=Http2Play(goes_away=True),
        expected=Cause.CONNECT,
    ),
    Trick(
        name="h2-endless",
        about="a body without an end over HTTP/2",
        door=Door.TLS,
        http2=Http2Play(body=endless_photo),
        expected=Cause.TOO_LARGE,
        of_head=MEASURED,
    ),
)
