"""Credentials are used, redirected, refused and tried again, and are afterwards found nowhere."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.conftest import STORES
from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply, Seen
from tests.processes import children, command, environment
from tests.running import RunningService, clean_environment, wait_for
from tests.signed import is_signed

OF_SETTINGS, OF_JOB, PASSWORD = "settings-hunter2-aaaa", "job-hunter2-bbbb", "password-hunter2-cccc"
KEY_ID, OF_BUCKET = "AKIDEXAMPLE", "bucket-hunter2-dddd"
PHOTO = saved("PNG", picture(16, 16))
FORMATS = ("json", "csv", "ndjson", "parquet")
ANSWERS = (
    "",
    "/results?include=earlier",
    "/stores",
    "/deliveries",
    *(f"/results?format={x}" for x in FORMATS),
)


def forms(secret: str) -> list[bytes]:
    """How a secret may be written: plain, in base64 wherever it begins, and in hexadecimal."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"x" * skipped + raw)[4:-4] for skipped in range(3)]
    return [raw.lower(), *(text.lower() for text in encoded), raw.hex().encode()]


FORBIDDEN = [form for secret in (OF_SETTINGS, OF_JOB, PASSWORD, OF_BUCKET) for form in forms(secret)]


def check(what: str, content: bytes, also: list[bytes] | None = None) -> None:
    """Fails if any secret is in there."""
    lower = content.lower()
    assert [form for form in FORBIDDEN + (also or []) if form.lower() in lower] == [], what


class Shop:
    """Private origins by settings, by job and by signature, another host, a receiver, and the service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate = threading.Event()
        self.by_settings, self.by_job, self.bucket, self.other, self.receiver = (Origin() for _ in range(5))
        self.receiver.serve("/hook", Reply(status=204))
        (folder / "retailpulse.toml").write_text(
            f'[fetch.credentials."{self.by_settings.url("")}"]\nbearer = "{OF_SETTINGS}"\n'
            f'[fetch.stores."s3://shelf"]\naccess_key_id = "{KEY_ID}"\nsecret_access_key = "{OF_BUCKET}"\n'
            f'endpoint = "{self.bucket.url("")}"\n'
        )
        self.bucket.decide = self._stored
        self.service = RunningService(folder, environment={"RETAILPULSE_LOG_LEVEL": "DEBUG"})

    def close(self) -> None:
        self.gate.set()
        self.service.stop()
        for origin in (self.by_settings, self.by_job, self.bucket, self.other, self.receiver):
            origin.close()

    def visits(self) -> list[dict[str, Any]]:
        """A visit with photos that are given, redirected, refused, tried again, and held until the gate."""
        urls = ["s3://shelf/a.png"]
        for origin, token in ((self.by_settings, OF_SETTINGS), (self.by_job, OF_JOB)):
            secret = token.encode()
            elsewhere = self.other.serve(f"/{origin.port}.png", Reply(body=PHOTO))
            good = Reply(body=PHOTO, allows=partial(carries, f"Bearer {token}"))
            urls += [
                origin.serve("/good.png", good),
                origin.serve("/away.png", Reply(status=302, headers={"Location": elsewhere})),
                origin.serve("/401.png", Reply(status=401, body=b'{"error": {"code": "%b"}}' % secret)),
                origin.serve("/403.png", Reply(status=403, body=b"<Error><Code>%b</Code></Error>" % secret)),
                origin.serve("/again.png", Reply(status=503, body=secret), good),
                origin.serve("/503.png", Reply(status=503, body=secret)),
            ]
        urls.append(self.by_job.serve("/held.png", Reply(body=PHOTO, before=self.gate)))
        return [{"store_id": "RP00001", "image_url": urls, "visit_time": "2026-11-20"}]

    def credentials(self) -> dict[str, Any]:
        return {self.by_job.url(""): {"bearer": OF_JOB}, self.other.url(""): {"basic": f"user:{PASSWORD}"}}

    @staticmethod
    def _stored(seen: Seen) -> Reply:
        signed = is_signed(seen, KEY_ID, OF_BUCKET, "us-east-1")
        return Reply(body=PHOTO) if signed else Reply(status=403)


def carries(value: str, seen: Seen) -> bool:
    return sent(seen) == value


def sent(seen: Seen) -> str | None:
    return seen.headers.get("authorization")


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    made = Shop(folder)
    try:
        made.service.wait_until_ready()
        made.service.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
        yield made
    finally:
        made.close()


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in (child, *descendants(child))]


def check_processes(shop: Shop) -> None:
    pids = descendants(shop.service.process.pid)
    assert "retailpulse worker" in " ".join(map(command, pids))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                check(f"command line of {entry.name}", (entry / "cmdline").read_bytes())
                if int(entry.name) in (*pids, shop.service.process.pid):
                    check(f"environment of {command(int(entry.name))}", environment(int(entry.name)))
            except (FileNotFoundError, ProcessLookupError):
                continue


def check_database(shop: Shop, also: list[bytes]) -> int:
    """Looks through all rows as COPY writes them, and all files; returns how many jobs have credentials."""
    with psycopg.connect(EmbeddedServer(shop.service.data_dir).url_of_owner()) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert ("results",) in names
        for (name,) in names:
            statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
            with connection.cursor().copy(statement) as copy:
                check(f"table {name}", b"".join(map(bytes, copy)), also)
        ((kept,),) = connection.execute("SELECT count(*) FROM job_credentials").fetchall()
    for path in shop.folder.rglob("*"):
        if path.is_file() and path.name != "retailpulse.toml":
            try:
                check(f"file {path}", path.read_bytes(), also)
            except FileNotFoundError:
                continue
    return int(kept)


def check_answers(shop: Shop, job_id: str, also: list[bytes]) -> None:
    http = shop.service.http
    paths = [f"/api/v1/jobs/{job_id}{end}" for end in ANSWERS]
    paths += ["/metrics", "/api/v1/jobs", "/api/v1/hosts", "/api/v1/stats", f"/api/status?jobid={job_id}"]
    for path in paths:
        answer = http.get(path)
        assert answer.status_code == 200, answer.text
        check(path, answer.content + repr(answer.headers).encode(), also)
    for arguments in (["config"], ["config", "--json"], ["backup", "dump", "--force", "--data-dir=data"]):
        check(" ".join(arguments), run(shop, *arguments), also)
    check("log", shop.service.log().encode(), also)
    for seen in shop.receiver.requests:
        check("callback", seen.body + repr(seen).encode(), also)


def run(shop: Shop, *arguments: str, **environment: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", *arguments],
        cwd=shop.folder,
        env=clean_environment() | environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_secrets_that_were_used_redirected_refused_and_tried_again_are_found_nowhere(shop: Shop) -> None:
    hook = shop.receiver.url("/hook")
    given = {"visits": shop.visits(), "credentials": shop.credentials(), "callback_url": hook}
    answer = shop.service.http.post("/api/v1/jobs", json=given)
    check("answer of the submit", answer.content)
    job_id = answer.json()["job_id"]
    wait_for(lambda: shop.service.job(job_id)["images"]["settled"] >= 13)
    signatures = [seen.path.rpartition("=")[2].encode() for seen in shop.bucket.requests]
    assert signatures
    check_processes(shop)
    assert check_database(shop, signatures) == 1
    shop.gate.set()
    assert shop.service.finished(job_id)["images"] == {
        "total": 14, "settled": 14, "measured": 8, "failed": 6, "cancelled": 0,
    }  # fmt: skip
    wait_for(lambda: shop.receiver.requests)
    details = {row["detail"] for row in shop.service.results(job_id)}
    assert details == {None, "HTTP 401", "HTTP 403", "HTTP 503"}
    assert {sent(seen) for seen in shop.other.requests} == {None}
    assert {sent(seen) for seen in shop.by_settings.requests} == {f"Bearer {OF_SETTINGS}"}
    assert {sent(seen) for seen in shop.by_job.requests} == {f"Bearer {OF_JOB}"}
    body = {"credentials": shop.credentials(), "causes": ["http_status"]}
    shop.service.http.post(f"/api/v1/jobs/{job_id}/retry", json=body).raise_for_status()
    shop.service.finished(job_id)
    check_answers(shop, job_id, signatures)
    assert check_database(shop, signatures) == 0
    check_processes(shop)


def test_the_command_line_shows_none_either(shop: Shop) -> None:
    (visit,) = shop.visits()
    visit["image_url"] = [url for url in visit["image_url"] if url.endswith(("/good.png", "/away.png"))]
    (shop.folder / "job.json").write_text(json.dumps({"visits": [visit]}))
    given = json.dumps(shop.credentials())
    submit = ["submit", "job.json", "--watch", "--url", shop.service.url]
    check("output", run(shop, *submit, RETAILPULSE_JOB_CREDENTIALS=given))
    assert {sent(seen) for seen in shop.by_job.requests} == {f"Bearer {OF_JOB}"}
    assert check_database(shop, []) == 0
    check_processes(shop)
