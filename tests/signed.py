"""Checks the signature in a URL as S3 does: Signature Version 4 in the query, computed from its definition.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote

from tests.origin import Seen


def _hash(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)


def is_signed(seen: Seen, access_key_id: str, secret: str, region: str) -> bool:
    """Whether a GET is signed with a key for its host, path and time, which is not over."""
    path, _, query = seen.path.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    signature = given.pop("X-Amz-Signature", "")
    stamp = given.get("X-Amz-Date", "")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    if (
        given.get("X-Amz-Credential") != f"{access_key_id}/{scope}"
        or given.get("X-Amz-SignedHeaders") != "host"
    ):
        return False
    began_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not began_at <= datetime.now(UTC) <= began_at + timedelta(seconds=int(given["X-Amz-Expires"])):
        return False
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in given.items())
    request = "\n".join(
        [
            seen.method,
            quote(unquote(path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            f"host:{seen.headers['host']}",
            "",
            "host",
            "UNSIGNED-PAYLOAD",
        ]
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = _hash(key, part)
    wanted = _hash(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}").hex()
    return hmac.compare_digest(wanted, signature)
