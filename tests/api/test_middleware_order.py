"""A request passes the middleware in the order that ARCHITECTURE.md draws, in a running API."""

import re
from pathlib import Path

from tests.api.jobs import RunningApi
from tests.running import wait_for

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"
TRACED = Path(__file__).parent / "traced"


def drawn() -> list[str]:
    """What the drawing shows between the server and the framework."""
    drawing = re.search(r"^```mermaid\nflowchart LR\n *(.*)\n```", ARCHITECTURE.read_text(), re.MULTILINE)
    assert drawing
    names = drawing[1].split(" --> ")
    assert names[0] == "Granian"
    return names[1 : names.index("Litestar") + 1]


def test_a_request_passes_the_middleware_as_it_is_drawn(database_url: str, tmp_path: Path) -> None:
    api = RunningApi(tmp_path, database_url, {"PYTHONPATH": str(TRACED)})
    try:
        api.wait_until_ready()
        wait_for(lambda: "passed: " in api.log())
    finally:
        api.stop()
    passed = re.findall(r"^passed: +(.*)$", api.log(), re.MULTILINE)
    assert set(passed) == {" ".join(drawn())}
