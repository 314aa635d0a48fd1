"""Everything that only reads, built over one database."""

from dataclasses import dataclass

from retailpulse.service.job_lists import JobLists
from retailpulse.service.results import Results
from retailpulse.service.stats import Stats
from retailpulse.service.stores import Stores
from retailpulse.storage.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """What lists and looks up, a class per resource."""

    job_lists: JobLists
    results: Results
    stores: Stores
    stats: Stats

    @classmethod
    def over(cls, database: Database, stale_seconds: float) -> "Reads":
        """All of them; a worker silent for `stale_seconds` is not counted as alive."""
        return cls(
            job_lists=JobLists(database),
            results=Results(database),
            stores=Stores(database),
            stats=Stats(database, stale_seconds),
        )
