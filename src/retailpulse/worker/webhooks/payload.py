"""Writes and signs what a receiver gets: the end of a job in the form of Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from standardwebhooks import Webhook

from retailpulse.domain.callbacks import JOB_ENDED, DeliveryKey
from retailpulse.fetch import PostRequest
from retailpulse.schema import JobEnded
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.summary import summarize


def signed_payload(key: DeliveryKey, job: JobRow, secrets: Sequence[str], now: datetime) -> PostRequest:
    """A post that reports the end of `job`, signed with every secret.

    The body is the same at every try; the timestamp among the headers is that of the try, so that a receiver
    can refuse what is replayed later.
    """
    body = msgspec.json.encode(
        JobEnded(type=JOB_ENDED, timestamp=job.finished_at or now, data=summarize(job)), order="deterministic"
    )
    signatures = (Webhook(secret).sign(key.message_id, now, body.decode()) for secret in secrets)
    return PostRequest(
        body=body,
        headers=(
            "Content-Type: application/json",
            f"webhook-id: {key.message_id}",
            f"webhook-timestamp: {int(now.timestamp())}",
            f"webhook-signature: {' '.join(signatures)}",
        ),
    )
