"""The checker of the tables: silent on a healthy database; what no row can tell is found and left alone."""

import pytest

from retailpulse.storage.integrity import parts
from retailpulse.storage.integrity.check import Reached, check_invariants
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.postgres.database import Database
from tests.storage import claiming
from tests.storage.checking import LIVING, THRESHOLDS, URLS, change, found, mended, whole_job
from tests.storage.jobs import KNOWN, measured, submit, submit_visits
from tests.storage.settled import settle


@pytest.fixture(params=[parts.PART_IMAGES, 10], ids=["one part", "many parts"], autouse=True)
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test reads the database at once, and nearly job by job."""
    monkeypatch.setattr(parts, "PART_IMAGES", request.param)


async def test_a_check_that_is_broken_off_goes_on_with_the_part_it_was_in(database: Database) -> None:
    for _ in range(3):
        await whole_job(database)
    change(database, LIVING, "DELETE FROM results WHERE image_no = 5")
    parts.PART_IMAGES = 10
    seen: list[Reached] = []

    def break_off(reached: Reached) -> None:
        seen.append(reached)
        if reached.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_invariants(database.url, THRESHOLDS, on_part=break_off)
    counts = {finding.name: finding.count for finding in seen[-1].findings}
    assert (seen[-1].parts, counts["result_missing"]) == (3, 2)
    rest = check_invariants(database.url, THRESHOLDS, first=seen[-1].next_job_id)
    assert (rest.jobs, rest.images, rest.results) == (1, 10, 9)
    assert {finding.name: finding.count for finding in rest.findings}["result_missing"] == 1
    whole = check_invariants(database.url, THRESHOLDS)
    assert {finding.name: finding.count for finding in whole.findings}["result_missing"] == 3


async def test_an_empty_database_breaks_no_law(database: Database) -> None:
    report = check_invariants(database.url, THRESHOLDS)
    assert (report.jobs, report.images, report.results, report.findings) == (0, 0, 0, ())


async def test_a_database_at_work_breaks_no_law_and_is_looked_at_once(database: Database) -> None:
    change(database, LIVING)
    await whole_job(database)
    await whole_job(database, 3, 7)
    begun = await submit(database, URLS)
    granted = await claiming.claim(database, await claiming.add_worker(database), 5)
    await settle(database, [measured(begun, number) for number in (1, 3)])
    assert claiming.numbers(granted) == [1, 2, 3, 4, 5]
    await submit_visits(database, (KNOWN[0], URLS), ("UNKNOWN", URLS), (KNOWN[1], URLS[:5]))
    await submit_visits(database, ("UNKNOWN", URLS))
    cancelled = await submit(database, [*URLS, *URLS])
    async with database.transaction() as connection:
        assert await cancel_job(connection, cancelled)
    waits: list[str] = []
    report = check_invariants(database.url, THRESHOLDS, before_second_look=waits.append)
    assert (report.findings, waits) == ((), [])
    assert (report.jobs, report.images, report.results) == (6, 85, 20 + 2 + 10 + 10 + 20)


async def test_what_is_mended_before_the_second_look_is_not_told(database: Database) -> None:
    await submit(database, URLS)
    change(database, LIVING)
    worker_id = await claiming.add_worker(database)
    await claiming.claim(database, worker_id)
    claiming.silence(database, worker_id, seconds=3_600)

    def sweep(sentence: str) -> None:
        assert sentence.startswith(
            "1 workers that are silent and still have images or slots: looking again in "
        )
        claiming.silence(database, worker_id, seconds=0)

    assert check_invariants(database.url, THRESHOLDS, before_second_look=sweep).findings == ()


NOT_MENDABLE = {
    "an image is gone": (
        ["DELETE FROM images WHERE image_no = 5"],
        {"images_accepted": "accepted 10 images, has 9", "result_without_image": "image 5"},
    ),
    "a result is gone and was counted": (
        ["DELETE FROM results WHERE image_no = 5"],
        {"result_missing": "image 5", "job_counters": "counts 10 measured, 0 failed, 0 cancelled"},
    ),
    "a result of an image that never was": (
        ["INSERT INTO results (job_id, image_no, outcome, cause, tries)"
         " SELECT job_id, 11, 'failed', 'dns', 1 FROM jobs"],
        {"result_without_image": "image 11", "job_counters": "the results say 10, 1, 0"},
    ),
    "a job that ended too early": (
        ["DELETE FROM results WHERE image_no > 8", "UPDATE jobs SET measured = 8"],
        {"result_missing": "image 9",
         "job_status": "completed with 8 measured, 0 failed, 0 cancelled of 10"},
    ),
    "an earlier result of a retry that never was": (
        ["INSERT INTO earlier_results SELECT job_id, 5, 1, 'failed', 'dns', NULL, 1, now() FROM jobs"],
        {"earlier_results": "image 5, failed before retry 1 of 0",
         "job_retries": "retried 0 times, the earlier results say 1"},
    ),
    "a retry that left no earlier result": (
        ["UPDATE jobs SET retries = 1, retried_at = now()"],
        {"job_retries": "retried 1 times, the earlier results say 0"},
    ),
    "a job is gone": (
        ["DELETE FROM jobs"],
        {f"{table}_without_job": f"{count} rows"
         for table, count in {"visits": 1, "images": 10, "results": 10}.items()},
    ),
}  # fmt: skip


@pytest.mark.parametrize("broken", NOT_MENDABLE)
async def test_what_no_row_can_tell_is_found_and_stays_without_a_result_made_up(
    database: Database, broken: str
) -> None:
    statements, invariants = NOT_MENDABLE[broken]
    await whole_job(database)
    change(database, *statements)
    rows = await result_rows(database)
    findings = found(database)
    for invariant, detail in invariants.items():
        assert detail in findings[invariant].examples[0].detail
    await mended(database)
    assert found(database) != {}
    assert await result_rows(database) == rows


async def result_rows(database: Database) -> list[tuple[object, ...]]:
    async with database.connection() as connection:
        return await (await connection.execute("SELECT * FROM results ORDER BY image_no")).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM results WHERE image_no = 11",
        "UPDATE results SET width = 11 WHERE image_no = 11",
        "UPDATE images SET image_url = 'http://photos.example/other.png' WHERE image_no = 11",
        "UPDATE images SET same_as = 2 WHERE image_no = 11",
        "UPDATE images SET same_as = 99 WHERE image_no = 11",
    ],
)
async def test_a_copy_that_is_not_as_its_first_is_found(database: Database, statement: str) -> None:
    job_id = await submit(database, [*URLS, URLS[0]])
    await settle(database, [measured(job_id, number, width=number) for number in range(1, 11)])
    assert found(database) == {}
    change(database, statement)
    finding = found(database)["copies"]
    assert (finding.count, finding.examples[0].job_id) == (1, str(job_id))
    assert finding.examples[0].detail.startswith("image 11, a copy of image ")


async def test_rows_of_a_job_that_is_being_pruned_break_no_law(database: Database) -> None:
    await whole_job(database)
    change(
        database,
        "INSERT INTO pruned_jobs (job_id) SELECT job_id FROM jobs",
        "DELETE FROM jobs",
        "DELETE FROM images WHERE image_no < 4",
    )
    assert found(database) == {}


async def test_a_finding_counts_all_and_shows_three(database: Database) -> None:
    job_id = await whole_job(database)
    change(database, "DELETE FROM results WHERE image_no <> 2")
    finding = found(database)["result_missing"]
    assert finding.count == 9
    assert [example.detail for example in finding.examples] == ["image 1", "image 3", "image 4"]
    assert {example.job_id for example in finding.examples} == {str(job_id)}
