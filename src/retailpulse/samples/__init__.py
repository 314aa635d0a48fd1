"""Sample files to try a service with: visits, a job, a store master."""

from retailpulse.samples.files import sample_job, sample_stores, sample_visits

__all__ = ["sample_job", "sample_stores", "sample_visits"]
