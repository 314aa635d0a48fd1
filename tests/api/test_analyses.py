"""Photos of before are looked at again: what is found goes to their results, and all else of them stays."""

import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from retailpulse.cli import group
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import CORNER_SHOP, NO_JOB, photo, problem, visit
from tests.origin import Origin, Reply
from tests.running import RunningService

PATH = "/api/v1/analyses"
CHANGES = {"checks", "flags"}


def forget_analyzers(service: RunningService, job_id: str) -> None:
    """Makes the results of a job those of a program that had no analyzers."""
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        connection.execute(
            "UPDATE results SET analyzed = NULL, sharpness = NULL, brightness = NULL, contrast = NULL,"
            " content = NULL, flags = NULL WHERE job_id = %s",
            [job_id],
        )


@pytest.fixture
def old_job(service: RunningService, origin: Origin) -> str:
    """A job of four photos: one stays, two are there twice, one is another now, one is gone then."""
    same = origin.serve("/analyses/same.png", Reply(body=photo(320, 240)))
    other = origin.serve("/analyses/other.png", Reply(body=photo(320, 240)), Reply(body=photo(240, 320)))
    gone = origin.serve(
        "/analyses/gone.png", Reply(body=photo(320, 240)), Reply(status=404), Reply(body=photo(320, 240))
    )
    job_id = service.submit([visit(CORNER_SHOP, same, other, gone, same)], depth="decode")
    assert service.finished(job_id)["images"]["measured"] == 4
    return job_id


def test_new_facts_come_to_the_photo_that_is_the_same_still(service: RunningService, old_job: str) -> None:
    whole = service.results(old_job)
    forget_analyzers(service, old_job)
    before, state = service.results(old_job), service.job(old_job)
    assert "brightness" not in before[0]["checks"]
    preview = service.http.post(PATH, json={"job_id": old_job, "dry_run": True})
    assert (preview.status_code, preview.json()["images"], preview.json()["in_reach"]) == (200, 3, 4)
    answer = service.http.post(PATH, json={"job_id": old_job})
    assert (answer.status_code, answer.json()["images"]) == (201, 3)
    analysis_id = answer.json()["job_id"]
    assert answer.headers["location"] == f"{PATH}/{analysis_id}"
    end = service.finished(analysis_id)
    assert (end["status"], end["priority"], end["causes"]) == ("failed", -100, {"http_status": 1})
    analysis = service.http.get(f"{PATH}/{analysis_id}").json()
    assert (analysis["analyzed"], analysis["changed"], analysis["gone"]) == (1, 1, 0)
    after = service.results(old_job)
    assert [after[0], after[3]] == [whole[0], whole[3]]
    assert after[1:3] == before[1:3]
    assert {name for name in after[0] if after[0][name] != before[0][name]} <= CHANGES
    flags = {"flags": {}, "flagged": 0}
    assert {**service.job(old_job), **flags} == {**state, **flags}
    assert [row["outcome"] for row in service.results(analysis_id)] == ["measured", "measured", "failed"]


def test_analyses_have_a_list_of_their_own(service: RunningService, old_job: str) -> None:
    forget_analyzers(service, old_job)
    first = service.http.post(PATH, json={"job_id": old_job, "limit": 2}).json()
    second = service.http.post(PATH, json={"job_id": old_job, "cursor": first["cursor"]}).json()
    assert (first["images"], second["images"], second["cursor"]) == (2, 1, None)
    service.finished(first["job_id"]), service.finished(second["job_id"])
    listed = service.http.get(PATH, params={"limit": 2}).json()["items"]
    assert [one["job"]["job_id"] for one in listed] == [second["job_id"], first["job_id"]]
    jobs = {job["job_id"] for job in service.http.get("/api/v1/jobs", params={"limit": 1000}).json()["items"]}
    assert old_job in jobs
    assert not jobs & {first["job_id"], second["job_id"]}
    problem(service.http.get(f"{PATH}/{old_job}"), 404, "not-found")


def test_the_commands_look_again_and_tell_what_became_of_it(
    service: RunningService, old_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(group, arguments)
        assert result.exit_code == 0, result.output
        return result

    monkeypatch.setenv("RETAILPULSE_URL", service.url)
    forget_analyzers(service, old_job)
    assert "3 photos at 1 host." in run("analyze", "--job", old_job, "--since", "1d", "--dry-run").stdout
    (analysis_id,) = run("analyze", "--job", old_job, "--analyzer", "sharpness").stdout.split()
    service.finished(analysis_id)
    listed = {one["job"]["job_id"]: one for one in json.loads(run("analyses", "--json").stdout)}
    assert (listed[analysis_id]["analyzed"], listed[analysis_id]["changed"]) == (1, 1)
    left_out = run("analyze", "--job", old_job, "--dry-run").stdout
    assert "0 photos at 0 hosts; left out: 1 photo that failed in an analysis" in left_out
    found = json.loads(run("analyze", "--job", old_job, "--json").stdout)
    assert (found["jobs"], found["images"], found["left_out"]) == ([], 0, 1)
    assert "1 photo at 1 host." in run("analyze", "--job", old_job, "--failed-too", "--dry-run").stdout
    run("retry", analysis_id)
    service.finished(analysis_id)
    assert "brightness" in service.results(old_job)[2]["checks"]
    assert json.loads(run("analyze", "--job", old_job, "--dry-run", "--json").stdout)["left_out"] == 0


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"job": NO_JOB}, "job: unknown field"),
        ({"analyzers": ["sharpnes"]}, "analyzers: 'sharpnes'"),
        ({"since": "last week"}, "since: 'last week'"),
        ({"limit": 20_001}, "limit: "),
        ({"credentials": {"photos.example": {"bearer": ""}}}, "credentials"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(
    service: RunningService, wanted: dict[str, Any], named: str
) -> None:
    assert problem(service.http.post(PATH, json=wanted), 400, "invalid-request")["detail"].startswith(named)


def test_what_is_not_there_is_not_found(service: RunningService) -> None:
    problem(service.http.post(PATH, json={"job_id": NO_JOB}), 404, "not-found")
    problem(service.http.post(PATH, json={"cursor": "AAAA"}), 404, "not-found")
