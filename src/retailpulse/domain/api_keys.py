"""API keys: what one looks like, what it allows, and how it is checked.

A key is `rp_<id>_<secret>`. The secret is 256 random bits, so that one SHA-256 of it can be kept in its
place: there is nothing to guess that a slow hash would protect.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_TOKEN = re.compile(r"rp_([0-9a-f]{12})_([0-9a-f]{64})")


class Scope(StrEnum):
    """What a key allows."""

    SUBMIT = "submit"  # submit, cancel and retry jobs
    READ = "read"  # everything that only reads
    REVIEW = "review"  # decide on photos
    ADMIN = "admin"  # everything


class KeyState(StrEnum):
    """Whether a key may be used."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """One key as it is kept, without its secret."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    secret_sha256: bytes = field(repr=False)

    def allows(self, scope: Scope) -> bool:
        """Whether the key may do what needs this scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def has_secret(self, secret: str) -> bool:
        """Whether this is the key's secret; takes as long whatever is wrong with it."""
        return hmac.compare_digest(secret_sha256(secret), self.secret_sha256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A key as its holder has it; the secret is in no `repr`, so that it gets into no log."""

    key_id: str
    secret: str = field(repr=False)

    def text(self) -> str:
        """The key as a client sends it."""
        return f"rp_{self.key_id}_{self.secret}"


def new_token() -> Token:
    """A key that belongs to no one."""
    return Token(key_id=secrets.token_hex(6), secret=secrets.token_hex(32))


def parse_token(text: str) -> Token | None:
    """The key that a text spells, or None if it is none."""
    found = _TOKEN.fullmatch(text)
    return Token(key_id=found[1], secret=found[2]) if found else None


def secret_sha256(secret: str) -> bytes:
    """The SHA-256 of a secret, which is all that is stored of it."""
    return hashlib.sha256(secret.encode()).digest()
