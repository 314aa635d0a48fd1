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
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def block(kind: str) -> str:
    """The first block of a kind."""
    found = re.search(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found[1]


def curl(command: str, service: RunningService) -> httpx.Response:
    """Does what curl would do for the few options that the document uses."""
    program, *words = shlex.split(command)
    assert program == "curl"
    method, url, headers, content = "GET", "", {}, b""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-d":
            method, content = "POST", Path(words.pop(0).removeprefix("@")).read_bytes().replace(b"\n", b"")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif word == "-T":
            method, content = "PUT", Path(words.pop(0)).read_bytes()
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-o":
            words.pop(0)
        else:
            assert not url
            assert word.startswith(f"{SERVICE}/"), word
            url = word.removeprefix(SERVICE)
    return service.http.request(method, url, content=content, headers=headers)


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    """The job that the document submits."""
    return str(service.http.post("/api/submit", content=block("json")).json()["job_id"])


def test_the_document_has_examples() -> None:
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_works(
    service: RunningService, job_id: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("job.json").write_text(block("json"))
    Path("stores.csv").write_text(block("csv"))
    answer = curl(command.replace(JOB, job_id), service)
    had_ended = answer.status_code == 409 and "has ended already" in answer.text
    assert answer.is_success or (had_ended and "/cancel" in command), answer.text
