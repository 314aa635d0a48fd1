"""The three old endpoints answer what their clients have always read, byte for byte, by golden files."""

from collections.abc import Iterator

import pytest

from tests.api.golden import names_of, read_golden
from tests.api.jobs import NO_JOB, RunningApi, held, photo, put_stores, visit
from tests.origin import Origin, Reply
from tests.running import RunningService, free_port, wait_for

STORES = """AreaCode,StoreName,StoreID
G-100,"Corner Shop, Harbour ""Old"" Street",G-1
G-100,Café Süd,G-2
G-200,Market Hall,G-3
"""

with_and_without_slash = pytest.mark.parametrize("slash", [False, True], ids=["plain", "slash"])


@pytest.fixture(scope="module")
def names(service: RunningService, origin: Origin) -> Iterator[dict[str, str]]:
    """What the golden files name: three stores, and jobs in each state."""
    assert put_stores(service, STORES.encode()).json()["added"] == 3
    good = origin.serve("/golden-good.png", Reply(body=photo(30, 20)))
    small = origin.serve("/golden-small.png", Reply(body=photo(8, 8)))
    broken = origin.serve("/golden-broken.png", Reply(body=b"<html>no picture</html>"))
    gone = origin.url("/golden-gone.jpg")
    visits = [
        visit("G-2", small, at="2026-11-21 09:00:00"),
        visit("G-1", good, good, at="2026-11-20T10:00:00Z"),
        visit("G-1", small, at="2026-11-22"),
        visit("G-1", small, at="time of store visit"),
    ]
    completed = service.submit(visits)
    failed = service.submit(
        [visit("G-3", gone, broken, gone), visit("G-2", gone, at="2026-11-23"), visit("no such store", good)]
    )
    with held(origin, "/golden-slow.png", photo(8, 8)) as slow:
        cancelled = service.submit([visit("G-3", slow, at="2026-11-20")])
        assert service.http.post(f"/api/v1/jobs/{cancelled}/cancel").status_code == 200
        ongoing = service.submit([visit("no such store", slow), visit("G-3", slow, at="2026-11-20")])
        service.finished(completed)
        service.finished(failed)
        wait_for(lambda: service.job(ongoing)["images"]["settled"] == 1)
        yield {
            "completed": completed,
            "failed": failed,
            "cancelled": cancelled,
            "ongoing": ongoing,
            "unknown": NO_JOB,
            "good": good,
            "slow": slow,
            "gone": gone,
            "broken": broken,
        }
    service.finished(ongoing)


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API whose database is not there."""
    url = f"postgresql://nobody:a-secret@127.0.0.1:{free_port()}/nothing"
    api = RunningApi(tmp_path_factory.mktemp("away"), url)
    try:
        wait_for(lambda: api.answers(503))
        yield api
    finally:
        api.stop()


@with_and_without_slash
@pytest.mark.parametrize("name", names_of("submit"))
def test_submit(service: RunningService, name: str, slash: bool) -> None:
    golden = read_golden(name, {})
    golden.check(golden.ask(service.http, slash=slash))


@with_and_without_slash
@pytest.mark.parametrize("name", names_of("status"))
def test_status(service: RunningService, names: dict[str, str], name: str, slash: bool) -> None:
    golden = read_golden(name, names)
    golden.check(golden.ask(service.http, slash=slash))


@with_and_without_slash
@pytest.mark.parametrize("name", names_of("visits"))
def test_visits(service: RunningService, names: dict[str, str], name: str, slash: bool) -> None:
    golden = read_golden(name, names)
    golden.check(golden.ask(service.http, slash=slash))


@with_and_without_slash
@pytest.mark.parametrize("name", names_of("limited"))
def test_beyond_a_limit(strict: RunningApi, name: str, slash: bool) -> None:
    golden = read_golden(name, {"long": "x" * 20_000})
    golden.check(golden.ask(strict.http, slash=slash))


@with_and_without_slash
@pytest.mark.parametrize("name", names_of("away"))
def test_while_the_database_is_away(away: RunningApi, name: str, slash: bool) -> None:
    golden = read_golden(name, {"unknown": NO_JOB})
    golden.check(golden.ask(away.http, slash=slash))
