"""Seals the credentials of a job for the database, with keys that are not in it, and opens them for a worker.

A key is 32 bytes in URL-safe base64; the first seals, each opens, so that keys can be replaced. What is
sealed for one job opens for no other.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import InvalidRequest
from retailpulse.fetch.access.credentials import Credentials, read_credentials

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

MOST_HOSTS, MOST_BYTES = 16, 8_192
"""Most hosts in the credentials of one job, and most bytes of them as JSON."""
_NO_KEY = (
    "credentials: this service has no key to keep them under. Set RETAILPULSE_FETCH_CREDENTIALS_KEY to the "
    "same key for API and workers, or put the credentials of the host in the settings"
)


class CannotOpen(Exception):
    """Credentials that this process cannot read; the text says what to do."""


class _Content(msgspec.Struct):
    job_id: UUID
    table: dict[str, Credential]


class CredentialVault:
    """The keys of a process; without any, nothing can be sealed."""

    def __init__(self, keys: Sequence[str], *, proxy: str = "") -> None:
        self._keys = keys
        self._proxy = proxy

    def __repr__(self) -> str:
        return f"CredentialVault({len(self._keys)} keys)"

    def seal(self, job_id: UUID, table: Mapping[str, Credential]) -> bytes:
        """The credentials of a job as the database may hold them; raises InvalidRequest without a secret."""
        if not self._keys:
            raise InvalidRequest(_NO_KEY)
        content = msgspec.json.encode(_Content(job_id, dict(table)))
        if len(table) > MOST_HOSTS or len(content) > MOST_BYTES:
            raise InvalidRequest(f"credentials: more than {MOST_HOSTS} hosts, or over {MOST_BYTES} bytes")
        try:
            read_credentials(table, proxy=self._proxy)
        except ValueError as error:
            raise InvalidRequest(f"credentials: {error}") from None
        return self._cipher.encrypt(content)

    def open(self, job_id: UUID, sealed: bytes) -> Credentials:
        """The credentials that were sealed for a job; raises CannotOpen."""
        if not self._keys:
            raise CannotOpen("this worker has no key for the job's credentials; set the key of the API")
        from cryptography.fernet import InvalidToken

        try:
            content = msgspec.json.decode(self._cipher.decrypt(sealed), type=_Content)
        except InvalidToken:
            raise CannotOpen(
                "no key of this worker opens the job's credentials: set the API's, and the one of before"
            ) from None
        if content.job_id != job_id:
            raise CannotOpen("the credentials were sealed for another job")
        try:
            return read_credentials(content.table, proxy=self._proxy)
        except ValueError as error:
            raise CannotOpen(str(error)) from None

    def fingerprint(self, sha256: bytes) -> bytes:
        """A digest of a request with secrets in it, from which these cannot be guessed without a key."""
        return hmac.digest(self._keys[0].encode(), sha256, hashlib.sha256) if self._keys else sha256

    @cached_property
    def _cipher(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._keys])
