"""The examples in the docstrings of the client and in docs/client.md, run against a service of their own."""

import doctest
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

import retailpulse.client
from retailpulse.client import Client, clients
from tests.api.jobs import photo
from tests.conftest import STORES
from tests.origin import Origin, Reply
from tests.running import RunningService

DOCUMENT = Path(__file__).parents[2] / "docs" / "client.md"
VISITS = [{"store_id": "RP00001", "image_url": ["none", "neither"], "visit_time": "2026-11-20T10:00:00Z"}]
FOUND = [
    test
    for module in iter_modules(retailpulse.client.__path__, "retailpulse.client.")
    for test in doctest.DocTestFinder(exclude_empty=True).find(import_module(module.name))
    if test.examples
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a service that nobody else uses."""
    running = RunningService(tmp_path_factory.mktemp("examples"), is_migrated=True)
    try:
        running.wait_until_ready()
        running.http.put("/api/v1/stores", content=STORES.encode())
        with Client(running.url) as client:
            yield client
    finally:
        running.stop()


@pytest.fixture
def world(own: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the examples take for granted: a client, and one job that has ended."""
    monkeypatch.chdir(tmp_path)
    for found in own.jobs():
        own.wait(found.job_id)
        own.delete(found.job_id)
    job_id = own.submit(VISITS, name="Monday", labels={"region": "north"})
    own.wait(job_id)
    return {"client": own, "url": own.url, "visits": VISITS, "job_id": job_id}


def run(test: doctest.DocTest) -> None:
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    runner.run(test, out=said.append, clear_globs=False)
    assert runner.failures == 0, "".join(said)


def test_every_operation_has_a_docstring_and_most_an_example() -> None:
    operations = {name for name in vars(clients._Operations) if not name.startswith("_")}
    assert all(getattr(Client, name).__doc__ for name in operations)
    assert len(FOUND) > len(operations) * 2 // 3


@pytest.mark.parametrize("test", FOUND, ids=lambda test: test.name)
def test_an_example_of_the_code_works(world: dict[str, Any], test: doctest.DocTest) -> None:
    test.globs = dict(world)
    run(test)


@pytest.mark.usefixtures("world")
def test_the_examples_of_the_document_work(own: Client) -> None:
    text = DOCUMENT.read_text().replace("http://127.0.0.1:9090", own.url)
    with Origin() as origin:
        origin.serve("/a.jpg", Reply(body=photo(400, 300)))
        run_document(text.replace("https://photos.example", origin.url("")))


def run_document(text: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, "client.md", str(DOCUMENT), 0)
    assert len(test.examples) > 15
    try:
        run(test)
    finally:
        test.globs["client"].close()


def test_the_document_names_every_method() -> None:
    table = DOCUMENT.read_text().partition("## What there is")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)\(", table)) - {"to_json"}
    assert named == {name for name in dir(Client) if not name.startswith("_")}
