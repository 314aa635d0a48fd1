"""Bodies that grow as they are read: the API stays small, answers others meanwhile, and refuses them."""

import gzip
import json
import threading
import uuid
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import httpx
import pytest

from retailpulse.api.submit.handler import LARGE_BODY_BYTES
from retailpulse.api.submit.request_body import QUOTE_BYTES
from tests.api.jobs import CORNER_SHOP, NOWHERE, RunningApi, body, post, problem, put_stores, visit
from tests.api.test_submit import refused
from tests.api.test_submit_timeout import jobs_locked
from tests.running import RunningService

MOST_PEAK_KB = 400_000
"""Of an API that reads one such body; it was 5,200 MB when all of it became objects."""
VISIT = '{"visits":[{"store_id":"S1","visit_time":"x","image_url":['
HEADER = "store_id,image_url,visit_time\n"


def peak_kb(pid: int) -> int:
    """The most memory that a process has had so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 1)


HEAVY = {
    "urls": ("application/json", packed(VISIT + '"a",' * 50_000_000 + '"a"]}]}'), 413),
    "urls of one visit": ("application/json", packed(VISIT + '"a",' * 15_000_000 + '"a"]}]}'), 413),
    "labels": (
        "application/json",
        packed(VISIT + '"a"]}],"labels":{' + ",".join(f'"{n:x}":""' for n in range(2_000_000)) + "}}"),
        413,
    ),
    "lists": ("application/json", packed(VISIT[:-13] + '"x":[' + "[]," * 2_000_000 + "[" * 60_000_000), 400),
    "a record of CSV": ("text/csv", packed(HEADER + '"S1","u","x' + '","\nab' * 6_000_000), 400),
    "a line of NDJSON": ("application/x-ndjson", packed(VISIT[11:] + '"a",' * 50_000_000), 400),
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_body_is_refused_in_little_memory_and_others_are_answered(
    idle: RunningApi, name: str
) -> None:
    media_type, content, status = HEAVY[name]
    headers = {"Content-Type": media_type, "Content-Encoding": "gzip"}
    answers: list[httpx.Response] = []

    def send() -> None:
        url = f"{idle.url}/api/v1/jobs"
        answers.append(httpx.post(url, content=content, headers=headers, timeout=300))

    sending = threading.Thread(target=send)
    sending.start()
    answered = 0
    while sending.is_alive():
        assert idle.http.get("/health/live").status_code == 200
        answered += 1
    assert answers[0].status_code == status, answers[0].text
    assert answered > 5
    assert peak_kb(idle.process.pid) < MOST_PEAK_KB


def test_a_heavy_record_of_a_store_file_is_refused_in_little_memory(idle: RunningApi) -> None:
    rows = "AreaCode,StoreName,StoreID\n" + '1,"a",S9' + ',"\nab"' * 6_000_000
    detail = problem(put_stores(idle, rows.encode()), 400, "invalid-request")["detail"]
    assert detail.endswith("its record has more than 100000 commas")
    assert peak_kb(idle.process.pid) < MOST_PEAK_KB


@pytest.mark.parametrize(
    ("field", "count", "says"),
    [("\nab", 100_001, "has more than 100000 commas"), ("\n" + "b" * 999, 4_100, "is longer than 4000000")],
)
def test_records_over_many_lines_have_a_limit(
    service: RunningService, field: str, count: int, says: str
) -> None:
    content = f"{HEADER}{CORNER_SHOP},{NOWHERE},noon" + f',"{field}"' * count
    answer = service.http.post("/api/v1/jobs", content=content, headers={"Content-Type": "text/csv"})
    assert f"its record {says}" in problem(answer, 400, "invalid-request")["detail"]


def test_many_records_of_a_csv_have_none(service: RunningService) -> None:
    row = f'{CORNER_SHOP},{NOWHERE},"over\ntwo lines{"," * 1_000}"\n'
    answer = service.http.post(
        "/api/v1/jobs", content=(HEADER + row * 5_000).encode(), headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 201, answer.text


def test_a_large_body_is_the_same_request_however_it_is_sent(service: RunningService) -> None:
    visits = [visit(CORNER_SHOP, NOWHERE, at=f"{number} " + "x" * 500) for number in range(4_000)]
    text = json.dumps(body(*visits)).encode()
    assert len(text) > LARGE_BODY_BYTES
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = service.http.post("/api/submit", content=text, headers=headers)
    assert first.status_code == 201, first.text
    second = service.http.post(
        "/api/v1/jobs", content=gzip.compress(text), headers=headers | {"Content-Encoding": "gzip"}
    )
    assert second.json()["job_id"] == first.json()["job_id"]
    other = service.http.post("/api/submit", content=text + b" ", headers=headers)
    assert "another request" in refused(other, 409)
    ended = service.finished(first.json()["job_id"])
    assert (ended["images"]["total"], ended["causes"]) == (4_000, {"bad_url": 4_000})


def test_a_large_body_that_is_wrong_is_told_by_its_visit(service: RunningService) -> None:
    visits = [visit(CORNER_SHOP, NOWHERE, at="x" * 500) for _ in range(4_000)]
    visits[3_210]["store_id"] = ""
    assert refused(post(service, body(*visits))) == "visits[3210].store_id (visit 3211): it is empty"
    visits[3_210]["store_id"] = CORNER_SHOP
    assert refused(post(service, body(*visits) | {"count": 1})).startswith("count does not match")


def test_the_causes_of_a_retry_are_few(service: RunningService) -> None:
    job_id = service.submit([visit()])
    answer = service.http.post(f"/api/v1/jobs/{job_id}/retry", json={"causes": ["timeout"] * 10_000})
    problem(answer, 413, "too-large")


def test_a_body_in_memory_counts_for_what_it_becomes(database_url: str, tmp_path: Path) -> None:
    api = RunningApi(tmp_path, database_url, {"RETAILPULSE_API_BUFFER_BYTES": "1000000"})
    texts = body(visit(CORNER_SHOP, *["a"] * 30_000))
    assert 2 * len(json.dumps(texts)) < 1_000_000 < len(json.dumps(texts)) + QUOTE_BYTES * 60_000
    try:
        api.wait_until_ready()
        with ThreadPoolExecutor() as threads:
            with jobs_locked(database_url):
                both = [threads.submit(post, api, texts) for _ in range(2)]
                wait(both, timeout=60, return_when=FIRST_COMPLETED)
            answers = sorted((one.result() for one in both), key=lambda answer: answer.status_code)
        assert answers[0].status_code == 201
        assert "too many large submits at once" in refused(answers[1], 503)
        assert post(api, texts).status_code == 201  # one alone has room
    finally:
        assert api.stop() == 0, api.log()
