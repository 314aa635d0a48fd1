"""What docs/callbacks.md shows, run as it stands there: commands, a message; and the receiver in Python."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retailpulse.domain.callbacks import JOB_ENDED
from tests.api.jobs import body, post, visit
from tests.how_to.page import blocks
from tests.running import RunningService, clean_environment, free_port, secret_of, wait_for

DOCUMENTS = Path(__file__).parents[2] / "docs"
TEXT = (DOCUMENTS / "callbacks.md").read_text()
SERVICE = "http://127.0.0.1:9090"
JOB = "01932c5e-7a00-7000-8000-000000000001"
PAGE = (DOCUMENTS / "how-to" / "receive-callbacks.md").read_text()
(RECEIVER,) = [block.text for block in blocks(PAGE) if block.file == "receiver.py"]
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


class Receiver:
    """The receiver of the document, as a process."""

    def __init__(self, folder: Path, secret: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/retailpulse"
        (folder / "receiver.py").write_text(RECEIVER)
        self._said = (folder / "said").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "receiver.py"],
            cwd=folder,
            env=clean_environment() | {"CALLBACK_SECRET": secret, "PORT": str(port)},
            stdout=self._said,
            stderr=subprocess.DEVNULL,
        )

    def answers(self) -> bool:
        try:
            return httpx.post(self.url, content=b"{}").status_code == 401
        except httpx.TransportError:
            return False

    def said(self) -> list[str]:
        return Path(self._said.name).read_text().splitlines()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._said.close()


@pytest.fixture
def receiver(service: RunningService, tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path, secret_of(service))
    try:
        wait_for(made.answers)
        yield made
    finally:
        made.close()


def delivered(service: RunningService, job_id: str, tries: int) -> bool:
    (one,) = service.http.get(f"/api/v1/jobs/{job_id}/deliveries").json()["items"]
    return bool(one["state"] == "delivered" and len(one["tries"]) == tries)


def test_its_receiver_takes_what_verifies_and_each_end_once(
    service: RunningService, receiver: Receiver
) -> None:
    answer = post(service, body(visit(), callback_url=receiver.url), "/api/v1/jobs")
    job_id = answer.json()["job_id"]
    service.finished(job_id)
    wait_for(lambda: delivered(service, job_id, 1))
    assert service.http.post(f"/api/v1/jobs/{job_id}/redeliver").status_code == 202
    wait_for(lambda: delivered(service, job_id, 2))
    assert receiver.said() == [f"job.ended {job_id} failed 0"]


def test_its_message_has_the_fields_that_are_sent(service: RunningService) -> None:
    (block,) = [text for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL) if "job.ended" in text]
    shown = json.loads(block)
    job = service.job(service.submit([visit()]))
    assert shown["type"] == JOB_ENDED
    assert list(shown["data"]) == [name for name in job if name in shown["data"]]
    assert job.keys() - shown["data"].keys() == {
        "causes",
        "stores",
        "images_per_second",
        "seconds_left",
        "waiting_for",
    }


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("curl ")])
def test_its_requests_work(service: RunningService, command: str) -> None:
    job_id = post(service, body(visit(), callback_url="https://hooks.example/"), "/api/v1/jobs").json()[
        "job_id"
    ]
    service.finished(job_id)
    _, *words = shlex.split(command.replace(JOB, job_id).replace(SERVICE, ""))
    content = words[words.index("-d") + 1] if "-d" in words else None
    method = "POST" if "-X" in words or content else "GET"
    assert service.http.request(method, words[-1], content=content).is_success


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("retailpulse ")])
def test_its_commands_work(command: str, tmp_path: Path) -> None:
    words = [*shlex.split(command)[1:], "--help"]  # it would rotate the secret of the other tests
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", *words],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
