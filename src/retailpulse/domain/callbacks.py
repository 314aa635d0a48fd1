"""A callback: the request that tells a receiver of the end of a job, and the state of its delivery.

pending --(answered 2xx)------------------> delivered
        --(410, or refused by our rules)--> given_up
        --(too long in vain)--------------> given_up
delivered | given_up --(redeliver)--------> pending
"""

import base64
import secrets
from enum import StrEnum
from uuid import UUID

import msgspec

JOB_ENDED = "job.ended"
"""The one event that there is."""
SECRET_PREFIX = "whsec_"  # noqa: S105  # how every such secret begins
SECRET_BYTES = 32


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class DeliveryKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Names one end of one job, numbered from 1: a job that is retried ends again."""

    job_id: UUID
    delivery_no: int

    @property
    def message_id(self) -> str:
        """The id that a receiver knows it by: the same at every try."""
        return f"msg_{self.job_id.hex}_{self.delivery_no}"


def new_secret() -> str:
    """A secret to sign with, as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
