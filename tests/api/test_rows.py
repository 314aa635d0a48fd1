"""POST /api/v1/jobs with CSV or NDJSON: the same job as by JSON, as a whole or not at all."""

import gzip
import json
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import CORNER_SHOP, MARKET_HALL, NOWHERE, RunningApi, problem, visit
from tests.running import RunningService, wait_for

CSV, NDJSON = "text/csv", "application/x-ndjson"
HEADER = "store_id,image_url,visit_time\n"


def post(
    service: RunningService | RunningApi,
    content: str | bytes,
    media_type: str = CSV,
    headers: Mapping[str, str] | None = None,
    **query: Any,
) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    sent = {"Content-Type": media_type, **(headers or {})}
    return service.http.post("/api/v1/jobs", content=raw, headers=sent, params=query)


def visits_of(service: RunningService, job_id: str) -> list[tuple[str, str, list[str]]]:
    """The visits of a job as they are stored: store, time, and their URLs."""
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        return connection.execute(
            "SELECT store_id, visit_time, array_agg(image_url ORDER BY image_no)"
            " FROM visits JOIN images USING (job_id, visit_no) WHERE job_id = %s"
            " GROUP BY visit_no, store_id, visit_time ORDER BY visit_no",
            [job_id],
        ).fetchall()


def accepted(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    job_id = str(answer.json()["job_id"])
    assert answer.headers["location"] == f"/api/v1/jobs/{job_id}"
    return job_id


def jobs_at(service: RunningService, visit_time: str) -> int:
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        rows = connection.execute("SELECT FROM visits WHERE visit_time = %s", [visit_time])
        return rows.rowcount


def test_rows_that_follow_one_another_are_one_visit(service: RunningService) -> None:
    rows = [
        (CORNER_SHOP, "u1", "noon"), (CORNER_SHOP, "u2", "noon"), (CORNER_SHOP, "u3", "one o'clock"),
        (MARKET_HALL, "u4", "one o'clock"), (CORNER_SHOP, "u1", "noon"),
    ]  # fmt: skip
    job_id = accepted(post(service, HEADER + "".join(f"{','.join(row)}\n" for row in rows)))
    assert visits_of(service, job_id) == [
        (CORNER_SHOP, "noon", ["u1", "u2"]),
        (CORNER_SHOP, "one o'clock", ["u3"]),
        (MARKET_HALL, "one o'clock", ["u4"]),
        (CORNER_SHOP, "noon", ["u1"]),
    ]
    report = service.finished(job_id)
    assert report["images"] == {"total": 5, "settled": 5, "measured": 0, "failed": 5, "cancelled": 0}


def test_a_csv_of_any_make_is_read(service: RunningService) -> None:
    text = (
        "\ufeffVisit_Time,extra, Image_URL ,store_id\r\n"
        '"a ""time"", quoted",1, u1 , RP00001 \r\n'
        "\r\n"
        '"two\nlines",2,"u,2",RP00002'
    )
    job_id = accepted(post(service, text, "Text/CSV; charset=UTF-8"))
    assert visits_of(service, job_id) == [
        (CORNER_SHOP, 'a "time", quoted', ["u1"]),
        (MARKET_HALL, "two\nlines", ["u,2"]),
    ]


def test_each_line_of_ndjson_is_a_visit(service: RunningService) -> None:
    visit = {"store_id": CORNER_SHOP, "image_url": ["u1", "u2"], "visit_time": "noon", "more": None}
    lines = [visit, visit, {**visit, "image_url": "u3"}]
    job_id = accepted(post(service, "\n\n".join(map(json.dumps, lines)), NDJSON))
    assert visits_of(service, job_id) == [
        (CORNER_SHOP, "noon", ["u1", "u2"]),
        (CORNER_SHOP, "noon", ["u1", "u2"]),
        (CORNER_SHOP, "noon", ["u3"]),
    ]


def test_what_else_is_to_be_said_stands_in_the_query(service: RunningService) -> None:
    query: dict[str, Any] = {
        "depth": "header", "name": "week 47", "priority": "-5", "callback_url": "HTTPS://Photos.Example/é#x",
        "label": ["region:north", "note:a:b", "empty:"],
    }  # fmt: skip
    rows = f"{HEADER}S,{NOWHERE},noon\n", CSV
    document = json.dumps({"visits": [visit("S", NOWHERE)]}), "application/json"
    for content, media_type in (rows, document):
        job = service.job(accepted(post(service, content, media_type, **query)))
        assert (job["depth"], job["name"], job["priority"]) == ("header", "week 47", -5)
        assert job["callback_url"] == "https://photos.example/%C3%A9"
        assert job["labels"] == {"region": "north", "note": "a:b", "empty": ""}


@pytest.mark.parametrize("number", ["7.0", "7", "70e-1"])
def test_a_whole_number_of_json_may_be_written_with_a_point(service: RunningService, number: str) -> None:
    text = f'{{"count": 1.0, "priority": {number}, "visits": {json.dumps([visit("S", NOWHERE)])}}}'
    assert service.job(accepted(post(service, text, "application/json")))["priority"] == 7
    answer = post(service, text.replace(number, "7.5"), "application/json")
    assert "priority: 7.5 is no whole number" in problem(answer, 400, "invalid-request")["detail"]


def test_what_a_document_says_itself_goes_before_its_query(service: RunningService) -> None:
    said = {"visits": [visit("S", NOWHERE)], "name": "said", "priority": 0, "labels": {"a": "said"}}
    query: dict[str, Any] = {
        "name": "asked",
        "priority": "7",
        "depth": "header",
        "label": ["a:1", "a:2", "b:1", "b:2"],
    }
    job = service.job(accepted(post(service, json.dumps(said), "application/json", **query)))
    assert (job["name"], job["priority"], job["depth"]) == ("said", 0, "header")
    assert job["labels"] == {"a": "said", "b": "2"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"depth": "deep"}, "depth: 'deep' is none of header, download, decode"),
        ({"priority": "101"}, "priority: 101 is not between"),
        ({"priority": "1.5"}, "priority: '1.5' is no whole number"),
        ({"name": ""}, "name: it is empty"),
        ({"name": "x" * 201}, "name: it has 201 characters"),
        ({"label": "region"}, "label: 'region' is no label; write name:value"),
        ({"priority": ["1", "1"]}, "priority: it is there more than once"),
        ({"label": "a b:1"}, "labels: 'a b' is no name of a label"),
        ({"label": [f"a{number}:1" for number in range(21)]}, "labels: there are 21, more than 20"),
        ({"callback_url": "ftp://a/"}, "callback_url: only http and https URLs are fetched"),
        ({"callback_url": "http://user:secret@a/"}, "callback_url: a URL with a user name"),
    ],
)
def test_a_bad_parameter_is_named(service: RunningService, query: dict[str, Any], says: str) -> None:
    answer = post(service, f"{HEADER}S,u,noon\n", **query)
    assert says in problem(answer, 400, "invalid-request")["detail"]
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("media_type", "content", "says"),
    [
        (CSV, "", "the body is empty"),
        (CSV, HEADER, "there is no visit"),
        (CSV, "store_id,image_url\n", "visit_time not found"),
        (CSV, f"{HEADER}S,u,noon\nS,u\n", "line 3: it has 2 cells, the header has 3"),
        (CSV, f"{HEADER}S,,noon\n", "line 2: image_url: it is empty"),
        (CSV, f"{HEADER}S,u,noon\n,u,noon\n", "line 3: store_id: it is empty"),
        (CSV, f"{HEADER}S,u,\n", "line 2: visit_time: it is empty"),
        (CSV, f'{HEADER}S,u,noon\nS,"u,noon\n', "line 3: it is not CSV"),
        (CSV, HEADER.encode() + b"S,\x81\xff,noon\n", "line 2: its bytes are neither UTF-8"),
        (CSV, f"{HEADER}S,u,noon\nS,u\0,noon\n", "line 3: it holds a NUL"),
        (NDJSON, "\n\n", "the body is empty"),
        (NDJSON, "[]", "line 1: Expected an object, got a list"),
        (NDJSON, '\n{"store_id": 7}', "line 2: store_id: Expected a string, got a whole number"),
        (NDJSON, '{"store_id": "S", "image_url": 7, "visit_time": "x"}', "line 1: image_url: Expected a "),
        (NDJSON, '{"store_id": "S", "image_url": [], "visit_time": "x"}', "line 1: image_url: it is empty"),
        (NDJSON, '{"store_id": "S"', "line 1: it is not JSON"),
        (NDJSON, '{"store_id": "\\u0000", "image_url": "u", "visit_time": "x"}', "store_id: it holds"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_nothing_is_kept(
    service: RunningService, media_type: str, content: str | bytes, says: str
) -> None:
    assert says in problem(post(service, content, media_type), 400, "invalid-request")["detail"]


def test_a_bad_row_after_many_good_ones_keeps_them_all_out(service: RunningService) -> None:
    good = "".join(f"{CORNER_SHOP},u{number},all or nothing\n" for number in range(3_000))
    answer = post(service, f"{HEADER}{good}{CORNER_SHOP},,all or nothing\n")
    assert "line 3002: image_url" in problem(answer, 400, "invalid-request")["detail"]
    assert jobs_at(service, "all or nothing") == 0


def test_a_line_without_an_end_is_refused_in_bounded_memory(service: RunningService) -> None:
    answer = post(service, HEADER + "x" * 5_000_000)
    assert "line 2 is longer than 4000000 characters" in problem(answer, 400, "invalid-request")["detail"]


@pytest.mark.parametrize("media_type", [CSV, NDJSON])
def test_limits_hold_for_rows_too(strict: RunningApi, media_type: str) -> None:
    line = {CSV: "S,u,noon\n", NDJSON: '{"store_id": "S", "image_url": "u", "visit_time": "noon"}\n'}[
        media_type
    ]
    head = HEADER if media_type == CSV else ""
    assert post(strict, head + 3 * line, media_type).status_code == 201
    problem(post(strict, head + 4 * line, media_type), 413, "too-large")
    far_too_long = post(strict, head + 5_000 * line, media_type)
    problem(far_too_long, 413, "too-large")
    assert far_too_long.headers["connection"] == "close", "its rest is not read: the next is not to follow it"
    packed = gzip.compress((head + 5_000 * line).encode())
    assert len(packed) < 20_000
    problem(post(strict, packed, media_type, {"Content-Encoding": "gzip"}), 413, "too-large")


def test_a_packed_body_is_the_same_request_as_a_plain_one(service: RunningService) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    text = f"{HEADER}{CORNER_SHOP},u,packed\n".encode()
    members = gzip.compress(text[:10]) + gzip.compress(text[10:])
    packed = post(service, members, headers={**key, "Content-Encoding": "gzip"})
    assert accepted(post(service, text, headers=key)) == accepted(packed)
    assert jobs_at(service, "packed") == 1


@pytest.mark.parametrize("media_type", [CSV, "application/json"])
def test_a_body_that_is_not_what_its_encoding_says_is_refused(
    service: RunningService, media_type: str
) -> None:
    text = f"{HEADER}S,u,noon\n".encode()
    gzipped = {"Content-Encoding": "gzip"}
    for broken in (text, gzip.compress(text)[:-9], b""):
        answer = post(service, broken, media_type, gzipped)
        assert "gzip" in problem(answer, 400, "invalid-request")["detail"]
    answer = post(service, text, media_type, {"Content-Encoding": "br"})
    assert "'br' is not read" in problem(answer, 415, "unsupported-media-type")["detail"]
    answer = post(service, text, "text/csv; charset=shift_jis")
    problem(answer, 415, "unsupported-media-type")


def test_a_key_belongs_to_rows_and_query_together(service: RunningService) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    text = f"{HEADER}{CORNER_SHOP},u,keyed rows\n"
    first = accepted(post(service, text, headers=key, priority=1))
    assert accepted(post(service, text, headers=key, priority=1)) == first
    problem(post(service, text, headers=key, priority=2), 409, "conflict")
    problem(post(service, f"{text}\n", headers=key, priority=1), 409, "conflict")
    assert jobs_at(service, "keyed rows") == 1


def test_a_client_that_dies_in_the_middle_leaves_nothing_and_its_next_try_makes_one_job(
    service: RunningService,
) -> None:
    key = str(uuid.uuid4())
    rows = HEADER + "".join(f"{CORNER_SHOP},u{number},broken off\n" for number in range(50_000))
    head = (
        f"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(rows)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall((head + rows[:-10]).encode())
    job_id = accepted(post(service, rows, headers={"Idempotency-Key": key}))
    wait_for(lambda: jobs_at(service, "broken off") == 1)
    assert service.job(job_id)["images"]["total"] == 50_000


def test_many_slow_clients_hold_nothing_that_others_need(service: RunningService) -> None:
    head = (
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 9000000\r\n\r\n"
    )
    slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(40)]
    try:
        for connection in slow:
            connection.sendall(head + HEADER.encode())
        accepted(post(service, f"{HEADER}{CORNER_SHOP},u,beside slow ones\n"))
        with psycopg.connect(EmbeddedServer(service.data_dir).url(), autocommit=True) as database:
            began = database.execute("SELECT now()").fetchone()
            transactions = (
                "SELECT FROM pg_stat_activity WHERE application_name = 'retailpulse' AND xact_start <= %s"
            )
            wait_for(lambda: not database.execute(transactions, began).rowcount)
    finally:
        for connection in slow:
            connection.close()


def test_the_same_fields_stand_in_a_json_body(service: RunningService) -> None:
    one = visit(CORNER_SHOP, NOWHERE)
    fields = {"name": "n", "labels": {"a": "b"}, "priority": 9, "callback_url": "http://c/", "depth": None}
    answer = service.http.post("/api/v1/jobs", json={"visits": [one], **fields})
    job = service.job(accepted(answer))
    assert {name: job[name] for name in ("name", "labels", "priority", "callback_url")} == {
        name: fields[name] for name in ("name", "labels", "priority", "callback_url")
    }
    for field, value, says in (
        ("count", 2, "count does not match"), ("labels", {"a": 1}, "labels"), ("priority", "9", "priority"),
        ("priority", 101, "priority: 101"), ("name", "", "name: it is empty"),
        ("callback_url", "x", "callback_url: not a URL"),
    ):  # fmt: skip
        answer = service.http.post("/api/v1/jobs", json={"visits": [one], field: value})
        assert says in problem(answer, 400, "invalid-request")["detail"]


def test_the_old_endpoint_looks_at_none_of_the_newer_fields(service: RunningService) -> None:
    one = visit(CORNER_SHOP, NOWHERE)
    job_id = service.submit([one], name=7, labels="x", callback_url=[])
    job = service.job(job_id)
    assert (job["name"], job["labels"], job["callback_url"]) == (None, {}, None)
    rows = service.http.post("/api/submit", content=HEADER, headers={"Content-Type": CSV})
    assert (rows.status_code, list(rows.json())) == (400, ["error"])


def test_a_disk_without_room_is_told(service: RunningService, tmp_path: Path) -> None:
    url = EmbeddedServer(service.data_dir).url()
    api = RunningApi(tmp_path, url, {"RETAILPULSE_API_SPOOL_DIR": str(tmp_path / "gone")}).wait_until_ready()
    try:
        big = HEADER + f"{CORNER_SHOP},u,noon\n" * 100_000
        assert post(api, HEADER + f"{CORNER_SHOP},u,noon\n").status_code == 201  # small ones need no disk
        answer = post(api, big)
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    finally:
        api.stop()
