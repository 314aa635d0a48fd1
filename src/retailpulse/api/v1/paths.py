"""What the paths of several resources have in common."""

from uuid import UUID

from retailpulse.domain.errors import NotFound
from retailpulse.domain.ids import parse_job_id


def known_id(text: str) -> UUID:
    """The id of a job in a path; raises NotFound if it is none."""
    job_id = parse_job_id(text)
    if job_id is None:
        raise NotFound(f"there is no job {text[:100]}")
    return job_id
