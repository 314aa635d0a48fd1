"""Asks a libcurl handle how far its transfer came, once that has failed."""

import pycurl

from retailpulse.fetch.failures import TransferProgress
from retailpulse.fetch.http.certificates import verification_of


def progress_of(
    handle: pycurl.Curl, body_bytes: int, *, answered: bool, declared_bytes: int | None
) -> TransferProgress:
    """How far it came; `declared_bytes` are what a length says that libcurl does not heed."""
    ask = handle.getinfo
    return TransferProgress(
        answered=answered,
        connected=ask(pycurl.CONNECT_TIME) > 0,
        encrypted=ask(pycurl.EFFECTIVE_URL).startswith("https:"),
        body_bytes=body_bytes,
        is_open_ended=declared_bytes is None and ask(pycurl.CONTENT_LENGTH_DOWNLOAD_T) < 0,
        verification=verification_of(handle),
    )
