"""A database as the last version that cut jobs into chunks left it: schema 0009 with jobs in work."""

from collections.abc import Sequence
from uuid import UUID

import psycopg

from retailpulse.domain.ids import new_job_id

SHOP, UNKNOWN = "RP00001", "RP99999"
CHUNK_IMAGES = 100


class ChunkedDatabase:
    """Puts rows of the old version into a database of its schema."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._run("INSERT INTO stores VALUES (%s, '7100015', 'Corner Shop')", SHOP)

    def _run(self, statement: str, *values: object) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(statement.encode(), values)

    def job(self, *visits: tuple[str, Sequence[str]], priority: int = 0, settled: Sequence[int] = ()) -> UUID:
        """An ongoing job, with chunks; images of unknown stores have failed."""
        job_id = new_job_id()
        of_visits = [
            (visit_no, store_id, url) for visit_no, (store_id, urls) in enumerate(visits, 1) for url in urls
        ]
        images = [(number, *image) for number, image in enumerate(of_visits, 1)]
        self._run(
            "INSERT INTO jobs (job_id, status, depth, images, priority)"
            " VALUES (%s, 'ongoing', 'header', %s, %s)",
            job_id, len(images), priority,
        )  # fmt: skip
        firsts: dict[str, int] = {}
        for number, visit_no, store_id, url in images:
            first = firsts.setdefault(url, number) if store_id == SHOP else number
            self._run(
                "INSERT INTO images (job_id, image_no, visit_no, image_url, same_as)"
                " VALUES (%s, %s, %s, %s, %s)",
                job_id, number, visit_no, url, None if first == number else first,
            )  # fmt: skip
        first_no = 1
        for visit_no, (store_id, urls) in enumerate(visits, 1):
            self._run(
                "INSERT INTO visits VALUES (%s, %s, %s, %s, 'noon', NULL, %s, %s)",
                job_id, visit_no, store_id, store_id == SHOP, first_no, len(urls),
            )  # fmt: skip
            first_no += len(urls)
        for number, _, store_id, _ in images:
            if store_id != SHOP:
                self.fails(job_id, number, "store_id_not_found")
        to_fetch = sorted(firsts.values())
        for chunk_no, start in enumerate(range(0, len(to_fetch), CHUNK_IMAGES)):
            self._chunk(job_id, chunk_no, to_fetch[start : start + CHUNK_IMAGES], settled)
        for number in settled:
            self._run(
                "INSERT INTO results (job_id, image_no, outcome, width, height, tries)"
                " SELECT job_id, image_no, 'measured', 9, 9, 1 FROM images"
                " WHERE job_id = %s AND %s IN (image_no, same_as)",
                job_id, number,
            )  # fmt: skip
        self.count(job_id)
        return job_id

    def _chunk(self, job_id: UUID, chunk_no: int, numbers: Sequence[int], settled: Sequence[int]) -> None:
        done = len(set(numbers) & set(settled))
        self._run(
            "INSERT INTO chunks (job_id, chunk_no, first_image_no, last_image_no, images, settled)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            job_id, chunk_no, min(numbers), max(numbers), len(numbers), done,
        )  # fmt: skip

    def fails(self, job_id: UUID, image_no: int, cause: str) -> None:
        """An image of a job fails."""
        self._run(
            "INSERT INTO results (job_id, image_no, outcome, cause, tries) VALUES (%s, %s, 'failed', %s, 1)",
            job_id, image_no, cause,
        )  # fmt: skip

    def retry(self, job_id: UUID) -> None:
        """The failures of a job were taken back; the stores that it did not know are known by now."""
        self._run(
            "INSERT INTO earlier_results"
            " SELECT job_id, image_no, 1, outcome, cause, detail, tries, settled_at"
            " FROM results WHERE job_id = %s AND outcome = 'failed'",
            job_id,
        )
        self._run("DELETE FROM results WHERE job_id = %s AND outcome = 'failed'", job_id)
        self._run(
            "INSERT INTO stores SELECT store_id, '7100015', 'New Shop' FROM visits"
            " WHERE job_id = %s ON CONFLICT DO NOTHING",
            job_id,
        )
        self._run(
            "UPDATE images SET since_retry = 1 FROM visits v WHERE v.job_id = images.job_id"
            " AND v.visit_no = images.visit_no AND NOT store_known AND images.job_id = %s",
            job_id,
        )
        self._run(
            "INSERT INTO chunks"
            " SELECT job_id, 1 + (SELECT max(chunk_no) FROM chunks WHERE job_id = i.job_id),"
            " min(image_no), max(image_no), count(*), 0, 1"
            " FROM images i WHERE since_retry = 1 AND job_id = %s GROUP BY job_id",
            job_id,
        )
        self._run("UPDATE visits SET store_known = true WHERE job_id = %s", job_id)
        self._run("UPDATE jobs SET retries = 1, retried_at = now() WHERE job_id = %s", job_id)
        self.count(job_id)

    def count(self, job_id: UUID) -> None:
        """The counters of a job follow from its results."""
        self._run(
            "UPDATE jobs SET measured = (SELECT count(*) FROM results r WHERE r.job_id = jobs.job_id"
            " AND outcome = 'measured'), failed = (SELECT count(*) FROM results r"
            " WHERE r.job_id = jobs.job_id AND outcome = 'failed') WHERE job_id = %s",
            job_id,
        )
