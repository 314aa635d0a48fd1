"""Names what went wrong with one try: libcurl's codes and HTTP statuses become causes, here alone.

Weak: which phase a time-out hit is read from libcurl's words; if it is unsure, it is `timeout`.
"""

from dataclasses import dataclass

import pycurl

from retailpulse.domain.images import Cause
from retailpulse.fetch.fallbacks import CLASSICAL_KEYS, HTTP_1_1, KEEP_CERTIFICATES

_PASSING_STATUSES = frozenset(
    {408, 423, 425, 429, 500, 502, 503, 504, 509, *range(520, 528), 529, 530}  # 509 and 520 on: gateways
)
REFUSING_STATUSES = frozenset({429, 503})
"""A host that answers with one of these is asked too much."""


class TryFailed(Exception):
    """One try that failed.

    `again` says whether another one may help; `unreached`, that the host was not even asked, so that any
    other URL of it would have failed too; `refused`, that it is asked too much (429, 503); `turned_away`,
    that the host did what one does that has too many connections. `beside` is set if the host was serving
    others meanwhile, `starved` if it did that and left most of our connections waiting. `ended_at` is after
    how many bytes a body broke off whose length was not declared; `remedies` are the fallbacks that may help.
    """

    beside = False
    starved = False
    ended_at: int | None = None
    remedies = 0

    def __init__(
        self,
        cause: Cause,
        detail: str,
        *,
        again: bool = False,
        unreached: bool = False,
        refused: bool = False,
        turned_away: bool = False,
        not_before_seconds: float = 0.0,
    ) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
        self.again = again
        self.unreached = unreached
        self.refused = refused
        self.turned_away = turned_away
        self.not_before_seconds = not_before_seconds

    def bare(self) -> "TryFailed":
        """The same without its traceback, which leads to the body that was read: fit to be kept."""
        bare = TryFailed(
            self.cause,
            self.detail,
            again=self.again,
            unreached=self.unreached,
            refused=self.refused,
            turned_away=self.turned_away,
            not_before_seconds=self.not_before_seconds,
        )
        bare.beside, bare.starved = self.beside, self.starved
        bare.ended_at, bare.remedies = self.ended_at, self.remedies
        return bare


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferProgress:
    """How far a transfer came before libcurl gave it up."""

    answered: bool  # the headers of an answer were there
    connected: bool  # TCP was through, TLS perhaps not
    body_bytes: int
    encrypted: bool = False
    is_open_ended: bool = False  # the answer declared no length, so the body may be whole however it ended
    verification: int = 0  # what OpenSSL says of the certificate


_CODES = {
    pycurl.E_OK: (Cause.CONNECT, "the connection closed within the headers", True),
    pycurl.E_UNSUPPORTED_PROTOCOL: (Cause.BAD_RESPONSE, "the answer is not HTTP", False),  # HTTP/0.9
    pycurl.E_URL_MALFORMAT: (Cause.BAD_URL, "not a URL that can be fetched", False),
    pycurl.E_COULDNT_RESOLVE_PROXY: (Cause.CONNECT, "the name of the proxy does not resolve", True),
    pycurl.E_COULDNT_RESOLVE_HOST: (Cause.DNS, "the host name does not resolve", True),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: (Cause.BAD_RESPONSE, "the answer is not valid HTTP", False),
    pycurl.E_COULDNT_CONNECT: (Cause.CONNECT, "the host refused the connection or is unreachable", True),
    pycurl.E_PARTIAL_FILE: (Cause.TRUNCATED, "the connection closed before the end of the body", True),
    pycurl.E_HTTP2: (Cause.CONNECT, "the HTTP/2 connection broke", True),
    pycurl.E_WRITE_ERROR: (Cause.BAD_RESPONSE, "the body cannot be decompressed", False),
    pycurl.E_BAD_CONTENT_ENCODING: (Cause.BAD_RESPONSE, "the body cannot be decompressed", False),
    pycurl.E_SSL_CONNECT_ERROR: (Cause.TLS, "the TLS handshake failed", True),
    pycurl.E_PEER_FAILED_VERIFICATION: (Cause.TLS, "the certificate of the host is not trusted", True),
    pycurl.E_SSL_CIPHER: (Cause.TLS, "no common TLS cipher", True),
    pycurl.E_GOT_NOTHING: (Cause.CONNECT, "the connection closed without an answer", True),
    pycurl.E_SEND_ERROR: (Cause.CONNECT, "the connection broke", True),
    pycurl.E_RECV_ERROR: (Cause.CONNECT, "the connection broke", True),
    100: (Cause.BAD_RESPONSE, "the headers are over the limit", False),  # CURLE_TOO_LARGE; trailers count too
    92: (Cause.CONNECT, "the HTTP/2 stream broke", True),  # CURLE_HTTP2_STREAM, unnamed in pycurl
}
_CERTIFICATES = {
    1: "the certificate of the host is for another name",
    2: "the certificate of the host is signed by an authority that is not trusted",
    9: "the certificate of the host is not valid yet",
    10: "the certificate of the host has expired",
    18: "the certificate of the host is signed by itself alone",
    19: "the certificate of the host is signed by an authority that is not trusted",
    20: "the certificate of the host is from an unknown authority, or an intermediate certificate is missing",
    21: "an intermediate certificate of the host is missing",
    23: "the certificate of the host was revoked",
}
"""By the result of OpenSSL's verification (X509_V_ERR_...); libcurl compares names itself, which leaves 1."""
_UNREACHED = frozenset(
    {
        pycurl.E_COULDNT_RESOLVE_HOST,
        pycurl.E_COULDNT_RESOLVE_PROXY,
        pycurl.E_COULDNT_CONNECT,
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CIPHER,
    }
)
_TURNED_AWAY = frozenset(
    {
        pycurl.E_COULDNT_CONNECT,
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_GOT_NOTHING,
        pycurl.E_SEND_ERROR,
        pycurl.E_RECV_ERROR,
    }
)
_LATE_TLS = "the TLS handshake did not end in time"
_BROKEN_LINE = frozenset({pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR, pycurl.E_HTTP2, 92})
_UNCLEAN_ENDS = _BROKEN_LINE | {pycurl.E_PARTIAL_FILE, pycurl.E_FTP_WEIRD_SERVER_REPLY}
"""Codes with which an answer may end though its whole body is there: no last chunk, a trailer that breaks off
or is none, TLS without close_notify, a reset."""


def of_code(code: int, message: str, progress: TransferProgress) -> TryFailed:
    """The failure behind a result code of libcurl; its message is not passed on, it may hold addresses."""
    failed = _of_code(code, message, progress)
    if progress.is_open_ended and progress.answered and progress.body_bytes and code in _UNCLEAN_ENDS:
        failed.ended_at = progress.body_bytes
    if code in _BROKEN_LINE and progress.encrypted:  # HTTP/2 breaks with any of these
        failed.remedies = HTTP_1_1
    elif code == pycurl.E_SSL_CONNECT_ERROR or (failed.cause is Cause.TLS and failed.detail == _LATE_TLS):
        failed.remedies = CLASSICAL_KEYS
    elif failed.detail == _CERTIFICATES[20]:
        failed.remedies = KEEP_CERTIFICATES
    return failed


def _of_code(code: int, message: str, progress: TransferProgress) -> TryFailed:
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return _of_timeout(message, progress)
    if code == pycurl.E_RECV_ERROR and "chunk" in message:
        return TryFailed(Cause.BAD_RESPONSE, "the chunks of the body are not valid HTTP")
    if code in _BROKEN_LINE and progress.answered:
        detail = f"the connection broke after {progress.body_bytes} bytes"
        return TryFailed(Cause.TRUNCATED, detail, again=True)
    cause, detail, again = _CODES.get(code, (Cause.BAD_RESPONSE, f"transfer failed (code {code})", True))
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        detail = _CERTIFICATES.get(progress.verification, detail)
    return TryFailed(
        cause, detail, again=again, unreached=code in _UNREACHED, turned_away=code in _TURNED_AWAY
    )


def _of_timeout(message: str, progress: TransferProgress) -> TryFailed:
    if "too slow" in message:
        return stalled(progress.body_bytes)
    if message.startswith("Resolving"):
        return TryFailed(Cause.DNS, "the host name did not resolve in time", again=True, unreached=True)
    if message.startswith(("Connection", "SSL")):
        if progress.connected:
            return TryFailed(Cause.TLS, _LATE_TLS, again=True, unreached=True)
        return not_connected()
    return TryFailed(Cause.TIMEOUT, f"not finished in time, after {progress.body_bytes} bytes", again=True)


def not_connected() -> TryFailed:
    """The failure of a connection that does not come about."""
    return TryFailed(Cause.CONNECT, "no connection in time", again=True, unreached=True, turned_away=True)


def remembered(cause: str, detail: str) -> TryFailed:
    """The failure that another worker saw, by its name and its words."""
    known = Cause(cause)
    words = {_CODES[code][1] for code in _UNREACHED} | {*_CERTIFICATES.values()}
    unreached = detail.endswith("in time") or any(known in detail for known in words)
    return TryFailed(
        known,
        detail,
        again=True,
        unreached=unreached and known in (Cause.DNS, Cause.CONNECT, Cause.TLS),
        refused=known is Cause.HTTP_STATUS,
    )


def stalled(body_bytes: int) -> TryFailed:
    """The failure of a transfer that is too slow for too long."""
    return TryFailed(Cause.STALLED, f"stalled after {body_bytes} bytes", again=True)


def of_status(
    status: int, retry_after_seconds: int, *, error_code: str = "", is_refusal: bool = False
) -> TryFailed:
    """The failure that an HTTP status tells. A host that names a time is asked again, whatever the status.

    `is_refusal` says that the host only wants to be asked less, which 429 and 503 say by themselves;
    `error_code` is what the body calls it.
    """
    return TryFailed(
        Cause.HTTP_STATUS,
        f"HTTP {status}: {error_code}" if error_code else f"HTTP {status}",
        again=is_refusal or status in _PASSING_STATUSES or retry_after_seconds > 0,
        refused=is_refusal or status in REFUSING_STATUSES,
        not_before_seconds=float(max(retry_after_seconds, 0)),
    )
