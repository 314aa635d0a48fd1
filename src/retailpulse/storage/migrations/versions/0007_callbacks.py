"""Callbacks: a delivery for every end of a job that names a receiver, and the secrets that sign them.

A trigger writes the delivery, in whatever transaction ends the job: settling the last image,
cancelling, a submit whose stores are all unknown, a repair. So no way to end a job can forget it, and jobs
without a receiver cost one comparison.
"""

import base64
import secrets

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"

SECRET_BYTES = 32

SCHEMA = """
-- One row for each end of a job, numbered from 1: a job that is retried ends again. `job` is the job's row
-- as it ended, so that every try says the same. `failures` counts the tries in vain since `pending_since`,
-- when it was to be sent first or a client asked for it again. Nobody tries before `next_try_at`; who does,
-- moves that past the end of the try. `receiver` is the host and port, by which nobody gets too much at once.
CREATE TABLE deliveries (
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    delivery_no integer NOT NULL,
    url text NOT NULL,
    receiver text NOT NULL
        GENERATED ALWAYS AS (coalesce(lower(substring(url FROM '://([^/?#]*)')), '')) STORED,
    ended_at timestamptz NOT NULL,
    job jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given_up')),
    pending_since timestamptz NOT NULL DEFAULT now(),
    next_try_at timestamptz DEFAULT now(),
    failures integer NOT NULL DEFAULT 0,
    tries jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tries) = 'array'),
    PRIMARY KEY (job_id, delivery_no),
    CHECK ((state = 'pending') = (next_try_at IS NOT NULL))
);
CREATE INDEX deliveries_due ON deliveries (next_try_at) WHERE state = 'pending';

-- The newest signs first; one that was replaced signs too until it retires.
CREATE TABLE callback_secrets (
    secret text PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    retires_at timestamptz
);
CREATE UNIQUE INDEX callback_secrets_current ON callback_secrets ((true)) WHERE retires_at IS NULL;

-- The job's row is locked by who ended it, so that nobody else takes the same number.
CREATE FUNCTION write_delivery(ended jobs) RETURNS void LANGUAGE sql AS $$
    INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job)
    SELECT ended.job_id, coalesce(max(delivery_no), 0) + 1, ended.callback_url,
        coalesce(ended.finished_at, now()), to_jsonb(ended)
    FROM deliveries WHERE job_id = ended.job_id
$$;

CREATE FUNCTION deliver_ended_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_delivery(NEW);
    RETURN NULL;
END
$$;
CREATE TRIGGER deliver_ended_job AFTER UPDATE OF status ON jobs FOR EACH ROW
    WHEN (NEW.callback_url IS NOT NULL AND NEW.status <> 'ongoing' AND OLD.status = 'ongoing')
    EXECUTE FUNCTION deliver_ended_job();
CREATE TRIGGER deliver_job_ended_at_once AFTER INSERT ON jobs FOR EACH ROW
    WHEN (NEW.callback_url IS NOT NULL AND NEW.status <> 'ongoing')
    EXECUTE FUNCTION deliver_ended_job();
"""


def upgrade() -> None:
    """Adds the tables, the triggers, and the installation's secret."""
    op.execute(SCHEMA)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    op.get_bind().execute(text("INSERT INTO callback_secrets (secret) VALUES (:secret)"), {"secret": secret})
