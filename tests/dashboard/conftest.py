"""What pages show: photos of shelves that were handed in twice, and a job that failed. And a browser."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from retailpulse.demo.dice import Dice
from retailpulse.demo.scenes import shelf
from tests.analyze.drawn import saved
from tests.api.conftest import origin
from tests.api.jobs import KIOSK, NOWHERE, body, new_area, put_stores, store_file, visit
from tests.browser import Browser, browsing
from tests.conftest import serving
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

__all__ = ["origin"]
_numbers = itertools.count(1)
LONG_NAME = "A name that goes on and on, שלום, 東京の店舗, " + "x" * 120
LONG_WORD = "x" * 190
LONG_URL = "https://photos.example/" + "x" * 322


@dataclass(frozen=True, kw_only=True)
class Reused:
    """A job of two stores: a photo, the same file again, a smaller copy, and an image that fails."""

    job_id: str
    first_store: str
    second_store: str

    def photo(self, number: int) -> str:
        """The address of a photo."""
        return f"/jobs/{self.job_id}/photos/{number}"

    @property
    def queue(self) -> str:
        """The address of what waits of it."""
        return f"/review?store={self.second_store}"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of the pages that flags copies, as that of other tests does not."""
    with serving(tmp_path_factory.mktemp("dashboard")) as running:
        yield running


@pytest.fixture(scope="session")
def hand_in(service: RunningService, origin: Origin) -> Callable[[], Reused]:
    """Makes such a job, which has ended, and whose copies are known."""

    def make() -> Reused:
        number = next(_numbers)
        drawn = shelf((800, 600), Dice(9_000 + number)).convert("RGB")
        _, (first, second) = new_area(service, stores=2)
        names = (f"/reused/{number}-{name}.jpg" for name in ("first", "again", "smaller"))
        contents = (saved(drawn), saved(drawn), saved(drawn.resize((640, 480))))
        urls = [origin.serve(*one) for one in zip(names, map(reply, contents), strict=True)]
        visits = [visit(first, urls[0]), visit(second, *urls[1:], NOWHERE, at="2026-11-27T10:00:00Z")]
        job_id = str(service.http.post("/api/v1/jobs", json=body(*visits)).json()["job_id"])
        service.finished(job_id)
        wait_for(lambda: service.job(job_id)["flags"].get("copy") == 2)
        return Reused(job_id=job_id, first_store=first, second_store=second)

    return make


def reply(content: bytes) -> Reply:
    return Reply(body=content)


@pytest.fixture(scope="session")
def reused(hand_in: Callable[[], Reused]) -> Reused:
    """One such job that is only looked at."""
    return hand_in()


@pytest.fixture(scope="module")
def failed_job(service: RunningService) -> str:
    """A job of three images that failed, with a long name of three scripts and a URL of 345 characters.

    Its label, and a store of the master with its area, are as long as they may be, in one word.
    """
    put_stores(service, store_file([(LONG_WORD, LONG_NAME, LONG_WORD)])).raise_for_status()
    visits = [visit(), visit(KIOSK, NOWHERE, LONG_URL)]
    sent = {
        "name": LONG_NAME,
        "labels": {"note": LONG_WORD},
        "visits": visits,
        "callback_url": "https://hooks.example/" + "x" * 300,
    }
    made = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
    service.finished(made)
    return str(made)


@pytest.fixture(scope="module")
def browser(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that must ask the service alone, and have nothing to complain of."""
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser
        assert [ask.url for ask in browser.requests if not ask.url.startswith(service.url)] == []
        assert browser.complaints == []
