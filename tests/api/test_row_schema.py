"""What the description says by patterns: they fit what is read, and nothing else."""

import re
from typing import Any, get_args

import pytest

from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.document import describe
from retailpulse.api.submit.row_schema import NDJSON_EXAMPLE, StoreRows, VisitLines, VisitRows
from retailpulse.api.v1.job_operations import CSV_EXAMPLE, Url
from retailpulse.api.v1.stores import STORES_EXAMPLE
from tests.running import RunningService

VISITS = "store_id,image_url,visit_time"
STORES = "AreaCode,StoreName,StoreID"


def test_forms_show_lines_of_a_job_that_tools_need_not_send() -> None:
    description = describe(HANDLERS, PROVIDED, needs_key=False)
    lines = description["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["application/x-ndjson"]
    assert lines["schema"]["default"] == NDJSON_EXAMPLE
    assert "example" not in lines


def fits(shape: Any, text: str) -> bool:
    """Whether a text fits the pattern of a shape, as readers of a description hold it against one."""
    return re.search(get_args(shape)[1].pattern, text) is not None


@pytest.mark.parametrize(
    "port", ["1", "443", "9999", "18080", "65535", "0", "08", "65536", "99999", "100000"]
)
def test_a_callback_url_may_name_any_port_that_there_is(port: str) -> None:
    assert fits(Url, f"http://hooks.example:{port}/told") == (port[0] != "0" and int(port) <= 65_535)


@pytest.mark.parametrize(
    "text",
    [
        CSV_EXAMPLE,
        f"\ufeff{VISITS}\r\nRP1,http://a/,noon\r\n\r\n",
        f'{VISITS}\n"a, ""b""",http://a/,"at\nnoon"',
        f"{VISITS}\nRP1,http://a/,noon\nRP1,http://a/,noon\n",
    ],
)
def test_rows_of_a_job_that_fit_are_taken(service: RunningService, text: str) -> None:
    assert fits(VisitRows, text)
    answer = service.http.post("/api/v1/jobs", content=text.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "text",
    ["", VISITS, f"{VISITS}\n", f"{VISITS}\na,b", f"{VISITS}\n ,b,c", f"{VISITS}\n,b,c", f'{VISITS}\na,"b,c'],
)
def test_rows_of_a_job_that_do_not_fit_are_refused(service: RunningService, text: str) -> None:
    assert not fits(VisitRows, text)
    answer = service.http.post("/api/v1/jobs", content=text.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "text",
    [
        NDJSON_EXAMPLE,
        NDJSON_EXAMPLE * 2,
        '{"store_id": "a", "image_url": ["http://a/", "http://b/"], "visit_time": "noon"}',
    ],
)
def test_lines_of_a_job_that_fit_are_taken(service: RunningService, text: str) -> None:
    assert fits(VisitLines, text)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = service.http.post("/api/v1/jobs", content=text.encode(), headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("text", ["", "{}", '{"store_id": "a", "image_url": [], "visit_time": "noon"}'])
def test_lines_of_a_job_that_do_not_fit_are_refused(service: RunningService, text: str) -> None:
    assert not fits(VisitLines, text)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = service.http.post("/api/v1/jobs", content=text.encode(), headers=headers)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "text",
    [STORES_EXAMPLE, STORES, f"{STORES}\r\n7,,fit-1\r\n", f'{STORES}\n7,"a\n""b""",fit-2\n7,b,fit-22\n\n'],
)
def test_stores_that_fit_are_loaded(service: RunningService, text: str) -> None:
    assert fits(StoreRows, text)
    answer = service.http.put("/api/v1/stores", content=text.encode())
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7,a,b\n",
        f"{STORES}\n7,a\n",
        f"{STORES}\n7,a,b,c\n",
        f"{STORES}\n,a,b\n",
        f"{STORES}\n7,a,\n",
        f"{STORES}\n7,a,twice\n7,b,other\n8,c,twice\n",
        f"{STORES}\n7,a,twice\r\n7,b,twice",
    ],
)
def test_stores_that_do_not_fit_are_refused(service: RunningService, text: str) -> None:
    assert not fits(StoreRows, text)
    answer = service.http.put("/api/v1/stores", content=text.encode())
    assert answer.status_code in {400, 422}, answer.text
