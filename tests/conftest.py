"""What many tests share: a running service with a small store master, and signals as a shell gives them."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import migrated_data
from tests.ci import report
from tests.running import RunningService
from tests.waiting import bound

STORES = """AreaCode,StoreName,StoreID
7100015,"Corner Shop, Harbour Street",RP00001
7100015,Market Hall,RP00002
7100015,Station Kiosk,RP00003
7100016,"The ""Little"" Grocer",RP00004
7100016,Café Süd,RP00005
"""


LONGEST_FIRST = ("image", "faults", "contract", "hostile", "demo", "lifecycle", "cli")
"""Rooms whose files take longest: begun last, one of them would go on alone at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Sets back what a test run in the background inherits: ignored signals, which every child would inherit.

    Hanging up stays ignored: whoever said `nohup` wants the run to outlive the terminal. Compiled modules are
    written: without them each process that a test starts would compile the whole product, and take twice as
    long to start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    reset = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGALRM, signal.SIGPROF, signal.SIGCHLD)
    for number in reset:
        if signal.getsignal(number) is signal.SIG_IGN:
            is_interrupt = number is signal.SIGINT
            signal.signal(number, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
    if not hasattr(config, "workerinput"):
        migrated_data.begin_run()
    report.pytest_configure(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes what the run has shared."""
    if not hasattr(config, "workerinput"):
        migrated_data.end_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {room: place for place, room in enumerate(LONGEST_FIRST)}
    here = Path(__file__).parent
    for item in items:
        if isinstance(item, pytest.Function):
            bound(item)
    items.sort(key=lambda item: order.get(item.path.relative_to(here).parts[0], len(order)))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A whole service of this test process, with five stores in two areas.

    Many tests send the same pictures: that they are copies is for tests of copies to see.
    """
    with serving(tmp_path_factory.mktemp("service"), RETAILPULSE_MATCHES_FLAGGED="") as running:
        yield running


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[RunningService]:
    """A service with five stores in two areas."""
    running = RunningService(folder, environment=environment, is_migrated=True)
    try:
        running.wait_until_ready()
        answer = running.http.put("/api/v1/stores", content=STORES.encode())
        assert answer.json()["added"] == 5, answer.text
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.log()
