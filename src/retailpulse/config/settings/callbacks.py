"""Settings of the callbacks that report the end of a job."""

import base64
import binascii
from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.domain.callbacks import SECRET_PREFIX
from retailpulse.domain.errors import ConfigError

FEWEST_SECRET_BYTES, MOST_SECRET_BYTES = 24, 64


class CallbackSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the callbacks that report the end of a job."""

    secret: Annotated[
        str,
        Meta(
            description="Secrets that sign callbacks, whsec_..., comma-separated: each signs; "
            "empty: the one that the database keeps."
        ),
    ] = ""
    concurrency: Annotated[
        int,
        Meta(ge=1, le=1_000, description="Most callbacks at once in one worker; one receiver gets half."),
    ] = 8
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=300, description="Longest time that one try of a callback may take.")
    ] = 10.0
    backoff_seconds: Annotated[
        float, Meta(gt=0, description="Longest wait before the second try; doubles for each further one.")
    ] = 2.0
    longest_backoff_seconds: Annotated[
        float, Meta(gt=0, description="Longest wait between two tries of a callback.")
    ] = 1_800.0
    give_up_hours: Annotated[
        float, Meta(gt=0, description="Hours for which a callback is tried again and again.")
    ] = 24.0

    def secrets(self) -> tuple[str, ...]:
        """The secrets of the setting, none if the database keeps it; raises ConfigError, naming none."""
        secrets = tuple(part.strip() for part in self.secret.split(",") if part.strip())
        for secret in secrets:
            if not _is_secret(secret):
                raise ConfigError(
                    f"RETAILPULSE_CALLBACKS_SECRET: write {SECRET_PREFIX} and {FEWEST_SECRET_BYTES} to "
                    f"{MOST_SECRET_BYTES} bytes in base64, as `retailpulse callbacks secret` shows one"
                )
        return secrets


def _is_secret(text: str) -> bool:
    try:
        content = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(SECRET_PREFIX) and FEWEST_SECRET_BYTES <= len(content) <= MOST_SECRET_BYTES
