"""Objects in stores of clouds as URLs name them, such as s3://bucket/key, and what opens a bucket.

The key is taken word for word, as the tools of the clouds do: nothing in it is an escape, a query or a
fragment. No text, error or repr of this module holds a secret.
"""

import re
from typing import Any

import msgspec

_URL = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]{0,254})/(.*)", re.DOTALL)
_BUCKET = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]{0,254}|\*)/?")
FIELDS = {
    "s3": (("access_key_id", "secret_access_key"), ("session_token", "region", "endpoint")),
    "gs": (("service_account_key",), ()),
    "az": (("account", "account_key"), ("endpoint",)),
}
"""By scheme: the fields that are needed, and those that may be there."""


class ObjectUrl(msgspec.Struct, frozen=True, gc=False):
    """An object: the scheme of its store, its bucket or container, and its key."""

    scheme: str
    bucket: str
    key: str

    @property
    def origin(self) -> str:
        """What its limits are counted by: s3://bucket."""
        return f"{self.scheme}://{self.bucket}"


class StoreCredential(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """What opens one bucket or container, or all of a scheme; which fields there are, its scheme says."""

    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    region: str = ""
    endpoint: str = ""
    service_account_key: str = ""
    account: str = ""
    account_key: str = ""

    def __repr__(self) -> str:
        return "StoreCredential(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


def parse_object_url(url: str) -> ObjectUrl | None:
    """The object that a URL names; None for any other URL."""
    found = _URL.fullmatch(url)
    return None if found is None else ObjectUrl(*found.groups())


def check_store(name: str, credential: StoreCredential) -> tuple[str, str]:
    """The scheme and the bucket that a table is for, `*` for all; raises ValueError, quoting no secret."""
    found = _BUCKET.fullmatch(name)
    if found is None:
        raise ValueError("a name is no bucket; write s3://bucket, gs://bucket, az://container, or s3://*")
    needed, allowed = FIELDS[found[1]]
    given = {field for field in credential.__struct_fields__ if getattr(credential, field)}
    missing, strange = set(needed) - given, given - {*needed, *allowed}
    if missing or strange:
        wrong = f"{min(missing)} is missing" if missing else f"{min(strange)} is not for {found[1]}"
        raise ValueError(f"{name}: {wrong}")
    if credential.endpoint and re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", credential.endpoint) is None:
        raise ValueError(f"{name}: endpoint is no URL like https://minio.example:9000")
    return found[1], found[2]
