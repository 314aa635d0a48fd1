"""The examples of docs/api.md, run as they stand there against a running service."""

import re
import shlex
from pathlib import Path

import httpx
import pytest

from tests.running import RunningService

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
SERVICE = "http://127.0.0.1:9090"
JOB = "01932c5e-7a00-7000-8000-000000000001"
ENDED_JOB = "01932c5e-7a00-7000-8000-000000000002"
FILES = dict(re.findall(r"Write it to `([\w.]+)`:\n\n```\w+\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def curl(command: str, service: RunningService) -> httpx.Response:
    """Does what curl would do for the few options that the document uses."""
    program, *words = shlex.split(command)
    assert program == "curl"
    method, url, headers, content = "GET", "", {}, b""
    files: dict[str, tuple[str, bytes]] | None = None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-d":
            given = words.pop(0)
            data = Path(given[1:]).read_bytes() if given.startswith("@") else given.encode()
            method, content = "POST", data.replace(b"\n", b"")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif word == "--data-binary":
            method, content = "POST", Path(words.pop(0).removeprefix("@")).read_bytes()
        elif word in {"-N", "--compressed"}:
            continue
        elif word == "-T":
            method, content = "PUT", Path(words.pop(0)).read_bytes()
        elif word == "-F":
            field, _, name = words.pop(0).partition("=@")
            files = {field: (name, Path(name).read_bytes())}
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-o":
            words.pop(0)
        else:
            assert not url
            assert word.startswith(f"{SERVICE}/"), word
            url = word.removeprefix(SERVICE)
    return service.http.request(method, url, content=content or None, files=files, headers=headers)


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    """The job that the document submits."""
    return str(service.http.post("/api/submit", content=FILES["job.json"]).json()["job_id"])


@pytest.fixture
def ended_job_id(service: RunningService) -> str:
    """A job that has ended as soon as it was submitted."""
    return service.submit([{"store_id": "nobody", "image_url": ["http://a/"], "visit_time": "noon"}])


def test_the_document_has_examples() -> None:
    assert len(COMMANDS) > 12
    assert set(FILES) == {"job.json", "visits.csv", "visits.ndjson", "stores.csv", "decisions.json"}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_works(
    service: RunningService,
    job_id: str,
    ended_job_id: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    answer = curl(command.replace(JOB, job_id).replace(ENDED_JOB, ended_job_id), service)
    # What the job has come to by now is not in this test's hands.
    is_late = answer.status_code == 409 and any(end in command for end in ("/cancel", "/retry", "/redeliver"))
    is_unseen = answer.status_code == 404 and "/thumbnail" in command
    is_not_allowed = answer.status_code == 503 and "/debug/profile" in command  # where nobody may look
    assert answer.is_success or is_late or is_unseen or is_not_allowed, answer.text
