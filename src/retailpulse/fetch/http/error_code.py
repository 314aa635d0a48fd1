"""The code that an object store or an API names in the body of an error, such as SignatureDoesNotMatch.

Bodies come from servers that cannot be trusted: a few kB are looked at, XML is not parsed but searched by a
bounded pattern, and only a short token of plain characters comes out. Weak: longer JSON is not understood.
"""

import re

import msgspec

WELL_KNOWN = frozenset(
    {
        # S3 and what speaks like it, Google Cloud Storage
        *("AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed"),
        *("AuthorizationQueryParametersError", "ExpiredToken", "InvalidAccessKeyId", "InvalidArgument"),
        *("InvalidObjectState", "InvalidRequest", "InvalidSecurity", "InvalidToken", "KeyTooLongError"),
        *("MissingSecurityHeader", "NoSuchBucket", "NoSuchKey", "NotSignedUp", "PermanentRedirect"),
        *("RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "SlowDown", "InternalError"),
        *("ServiceUnavailable", "TokenRefreshRequired", "UserProjectMissing"),
        # Azure
        *("AuthenticationFailed", "AuthorizationFailure", "AuthorizationPermissionMismatch", "BlobArchived"),
        *("BlobNotFound", "ContainerBeingDeleted", "ContainerNotFound", "InsufficientAccountPermissions"),
        *("InvalidAuthenticationInfo", "NoAuthenticationInformation", "PublicAccessNotPermitted"),
        *("ResourceNotFound", "ServerBusy"),
        # OAuth, and APIs in general
        *("access_denied", "expired_token", "forbidden", "insufficient_scope", "invalid_client"),
        *("invalid_grant", "invalid_request", "invalid_token", "not_found", "token_expired"),
        *("unauthorized", "unauthorized_client", "Forbidden", "NotFound", "Unauthorized"),
        *("NOT_FOUND", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNAVAILABLE"),
    }
)
"""Codes that say nothing of a secret, whoever sends them."""
LOOK_BYTES = 4_096
"""How much of an error page is looked at."""
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# As S3, Google Cloud Storage and Azure have it: <Error><Code>ExpiredToken</Code>...
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,64}<(?:\?xml\b|[A-Za-z])")
_XML_CODE = re.compile(rb"<Code>([A-Za-z0-9_.-]{1,64})</Code>")
_PAGE = re.compile(rb"<(?:html|!doctype|body)\b", re.IGNORECASE)


class _Inner(msgspec.Struct, gc=False):
    code: str | int | float | None = None
    status: str | int | float | None = None


class _Outer(_Inner, gc=False):
    error: _Inner | str | None = None


_DECODER = msgspec.json.Decoder(_Outer)


def find_error_code(start: bytes, status: int) -> str:
    """The code in the first `LOOK_BYTES` of an error's body; empty if there is none, or a web page."""
    if _XML.match(start) is not None:
        found = None if _PAGE.search(start) else _XML_CODE.search(start)
        return "" if found is None else found[1].decode()
    try:
        said = _DECODER.decode(start)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # much cannot be JSON of an error
        return ""
    inner = said if said.error is None else said.error
    names = (inner,) if isinstance(inner, str) else (inner.code, inner.status)
    return _first_token(names, status)


def _first_token(names: tuple[str | int | float | None, ...], status: int) -> str:
    """The first that is a word, or else a number that says more than the status does."""
    words = [name for name in names if isinstance(name, str) and _TOKEN.fullmatch(name)]
    numbers = [str(name) for name in names if isinstance(name, int) and name != status]
    found = [text for text in (*words, *numbers) if text != str(status) and _TOKEN.fullmatch(text)]
    return found[0] if found else ""
