"""What the tests of the API send: visits, bodies, store files, and an API process of their own."""

import csv
import io
import itertools
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply
from tests.running import Process, RunningService, free_port, wait_for

# What `curl -d` sends where nobody says otherwise.
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CORNER_SHOP, MARKET_HALL, KIOSK = "RP00001", "RP00002", "RP00003"
NOWHERE = "not-a-URL"  # fails at once, without a request
NO_JOB = "01932c5e-7a00-7000-8000-000000000000"

_numbers = itertools.count(1)


def visit(store_id: str = CORNER_SHOP, *image_urls: str, at: str = "2026-11-20T10:00:00Z") -> dict[str, Any]:
    """One visit as it is submitted."""
    return {"store_id": store_id, "image_url": list(image_urls) or [NOWHERE], "visit_time": at}


def body(*visits: Any, **fields: Any) -> dict[str, Any]:
    """The body of a submit with the right count; `fields` change or add some."""
    return {"count": len(visits), "visits": list(visits), **fields}


def post(
    service: "RunningService | RunningApi",
    content: str | bytes | Mapping[str, Any],
    path: str = "/api/submit",
) -> httpx.Response:
    """Submits a body as curl does."""
    raw = content if isinstance(content, str | bytes) else json.dumps(content)
    return service.http.post(path, content=raw, headers=FORM)


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The members of a refusal in problem details, checked; `name` is the kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = dict(answer.json())
    assert list(said)[:5] == ["type", "title", "status", "detail", "instance"]
    assert (said["type"], said["status"]) == (f"/problems/{name}", status)
    assert said["instance"] == answer.request.url.raw_path.partition(b"?")[0].decode()
    return said


def wrong_parameter(answer: httpx.Response, named: str) -> None:
    """Checks that an answer refuses a parameter by its name: a page that is not there is not found."""
    kind = (404, "not-found") if named == "cursor" else (400, "invalid-request")
    assert problem(answer, *kind)["detail"].startswith(f"{named}: ")


def photo(width: int, height: int) -> bytes:
    """A PNG; its perimeter is 2 * (height + width)."""
    return saved("PNG", picture(width, height))


@contextmanager
def held(origin: Origin, path: str, content: bytes) -> Iterator[str]:
    """The URL of a photo that is sent only once the block is left."""
    let_go = threading.Event()
    try:
        yield origin.serve(path, Reply(body=content, before=let_go))
    finally:
        let_go.set()


def store_file(rows: Iterable[Iterable[str]]) -> bytes:
    """A store master of rows (area code, store name, store id)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["AreaCode", "StoreName", "StoreID"])
    writer.writerows(rows)
    return text.getvalue().encode()


def put_stores(service: "RunningService | RunningApi", content: bytes, **parameters: Any) -> httpx.Response:
    """Loads a store file."""
    return service.http.put("/api/v1/stores", content=content, params=parameters, headers=FORM)


def new_area(service: RunningService, stores: int = 1, name: str = "A shop") -> tuple[str, list[str]]:
    """Makes an area of its own for a test; gives its code and the ids of its stores, in order."""
    area = f"area-{next(_numbers)}"
    ids = [f"{area}-store-{number}" for number in range(1, stores + 1)]
    answer = put_stores(service, store_file((area, name, store_id) for store_id in ids))
    assert answer.json()["added"] == stores, answer.text
    return area, ids


class RunningApi(Process):
    """A `retailpulse api` alone, on a database that is given."""

    def __init__(self, folder: Path, database_url: str, environment: Mapping[str, str] | None = None) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            folder,
            "api",
            f"--port={self.port}",
            environment={"RETAILPULSE_DATABASE_URL": database_url, **(environment or {})},
        )
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def answers(self, status: int) -> bool:
        """Whether the service answers, and says by this status how it stands."""
        assert self.process.poll() is None, self.log()
        try:
            return self.http.get("/health/ready").status_code == status
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> "RunningApi":
        """Waits until the service answers and has its database."""
        wait_for(lambda: self.answers(200))
        return self

    def stop(self, seconds: float = 60.0) -> int:
        """Asks the process to stop and gives its exit code."""
        self.http.close()
        return super().stop(seconds)
