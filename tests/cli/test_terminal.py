"""No command lets a terminal have control characters that came from outside, in tables, JSON or errors.

Weak: commands that work on the database itself are held by the last test alone: there is one door.
"""

import ast
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import retailpulse.cli
from retailpulse.cli.console import output_console
from retailpulse.cli.terminal import echo, printable_json
from tests.canned import JOB_ID, Answer, CannedService, as_json, job
from tests.cli.conftest import Run
from tests.cli.test_hosts import host
from tests.cli.test_results import row
from tests.cli.test_review import photo
from tests.running import clean_environment

EVIL = "\x1b]0;owned\x07\x9b2J\x7f\r\u202e\x00[red]"
REFUSAL = {"title": f"Refused{EVIL}", "detail": f"no{EVIL}"}
STORE = {"store_id": f"RP{EVIL}", "area_code": f"7{EVIL}", "store_name": f"Shop{EVIL}"}
STORE_OF_JOB = {
    "store_id": EVIL,
    "images": 4,
    "settled": 4,
    "measured": 3,
    "failed": 1,
    "cancelled": 0,
    "error": EVIL,
    "causes": {EVIL: 1},
}
EVIL_JOB = job(
    "failed",
    job_id=f"j{EVIL}",
    name=EVIL,
    labels={EVIL: EVIL},
    callback_url=f"http://a/{EVIL}",
    causes={EVIL: 1},
    stores=[STORE_OF_JOB],
    waiting_for={
        "hosts": [{"origin": EVIL, "images": 1, "reason": EVIL}],
        "more_hosts": 0,
        "counted_all": True,
    },
)
VISIT = {
    **STORE,
    "job_id": EVIL,
    "visit_no": 1,
    "visit_time": EVIL,
    "visited_at": None,
    "images": 1,
    "measured": 1,
    "failed": 0,
    "perimeter": 8,
}
EVIL_SUBMIT = {
    **EVIL_JOB,
    "warnings": [{"code": EVIL, "count": 1, "detail": EVIL, "example": EVIL, "line": 2, "visit": None}],
    "skipped": [{"line": 2, "visit": None, "column": EVIL, "reason": EVIL}],
    "skipped_count": 1,
    "read_as": EVIL,
}
DELIVERY = {
    "delivery_id": EVIL,
    "event": EVIL,
    "state": "pending",
    "url": EVIL,
    "ended_at": "2026-11-20T10:00:00Z",
    "next_try_at": None,
    "tries": [{"at": "2026-11-20T10:00:00Z", "status": None, "error": EVIL, "seconds": 1.0}],
}
RESULT = row(1, store_id=EVIL, image_url=EVIL, visit_time=EVIL, detail=EVIL, suspect=EVIL)
BAD_LINES = {"loaded": False, "added": 0, "changed": 0, "unchanged": 0, "rejected": 1}
REFUSED_HOST = host(origin=EVIL, last_refusal={"cause": EVIL, "detail": EVIL, "at": "2026-11-20T10:00:00Z"})
REVIEWED = photo(
    store_id=EVIL,
    image_url=EVIL,
    flags=[EVIL],
    review=EVIL,
    reviewed_by=EVIL,
    history=[
        {
            "revision": 1,
            "decision": EVIL,
            "flag": EVIL,
            "reason": EVIL,
            "by": EVIL,
            "at": "2026-11-20T10:00:00Z",
        }
    ],
)
OF_JOB = f"/api/v1/jobs/{JOB_ID}"

COMMANDS = {
    ("status", JOB_ID): (f"GET {OF_JOB}", EVIL_JOB),
    ("watch", JOB_ID): (f"GET {OF_JOB}", EVIL_JOB),
    ("jobs", "show", JOB_ID): (f"GET {OF_JOB}", EVIL_JOB),
    ("jobs", "list"): ("GET /api/v1/jobs", {"items": [EVIL_JOB], "next": None}),
    ("jobs", "stores", JOB_ID): (f"GET {OF_JOB}/stores", {"items": [STORE_OF_JOB], "next": None}),
    ("cancel", JOB_ID): (f"POST {OF_JOB}/cancel", EVIL_JOB),
    ("retry", JOB_ID): (f"POST {OF_JOB}/retry", EVIL_JOB),
    ("results", JOB_ID): (f"GET {OF_JOB}/results", {"items": [RESULT], "next": None}),
    ("deliveries", JOB_ID): (f"GET {OF_JOB}/deliveries", {"items": [DELIVERY], "next": None}),
    ("stores", "search"): ("GET /api/v1/stores", {"items": [STORE], "next": None}),
    ("stores", "show", "RP1"): ("GET /api/v1/stores/RP1", STORE),
    ("stores", "import", "-"): (
        "PUT /api/v1/stores",
        {**BAD_LINES, "errors": [{"line": 2, "error": EVIL}]},
    ),
    ("areas",): ("GET /api/v1/areas", {"items": [{"area_code": EVIL, "stores": 1}], "next": None}),
    ("visits",): ("GET /api/v1/visits", {"items": [VISIT], "next": None}),
    ("hosts",): ("GET /api/v1/hosts", {"items": [REFUSED_HOST], "next": None}),
    ("review",): ("GET /api/v1/review", {"items": [REVIEWED], "next": None}),
    ("review", JOB_ID, "1"): (f"GET {OF_JOB}/images/1/review", REVIEWED),
    ("submit", "-"): ("POST /api/v1/jobs", EVIL_SUBMIT),
}
every_command = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


def raw(text: str) -> set[str]:
    """What a terminal must not get."""
    return {char for char in text if not char.isprintable()} - {"\n"}


@every_command
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["for people", "json"])
def test_no_answer_sends_control_characters_to_the_terminal(
    run: Run, canned: CannedService, command: tuple[str, ...], options: tuple[str, ...]
) -> None:
    request, answer = COMMANDS[command]
    canned.on(request, as_json(answer, 201 if command[0] == "submit" else 200))
    result = run(*command, *options, stdin=b"{}")
    assert result.exit_code in {0, 1}, result.output
    assert raw(result.output) == set()
    if options:
        assert any(EVIL in text for text in texts(json.loads(result.stdout)))
    else:
        assert "owned" in result.stdout
        assert "[red]" in result.stdout  # no markup either


def texts(data: Any) -> Iterator[str]:
    """All texts of a JSON document, keys too."""
    if isinstance(data, dict):
        yield from texts([*data, *data.values()])
    elif isinstance(data, list):
        for item in data:
            yield from texts(item)
    elif isinstance(data, str):
        yield data


@every_command
def test_no_error_sends_control_characters_to_the_terminal(
    run: Run, canned: CannedService, command: tuple[str, ...]
) -> None:
    canned.on(COMMANDS[command][0], as_json(REFUSAL, 409))
    result = run(*command, stdin=b"{}")
    assert result.exit_code == 1
    assert "owned" in result.output
    assert raw(result.output) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", EVIL.replace("\0", "")),
        ("jobs", "list", "--label", EVIL),
        ("jobs", EVIL),
        (EVIL,),
        ("results", JOB_ID, "--" + EVIL),
        ("hosts", "--url", EVIL),
        ("results", JOB_ID, "-o", f"/nowhere/{EVIL}.json".replace("\0", "")),
    ],
)
def test_a_command_line_is_not_echoed_with_its_control_characters(
    run: Run, canned: CannedService, arguments: tuple[str, ...]
) -> None:
    canned.on(f"GET {OF_JOB}/results", as_json({"items": [RESULT], "next": None}))
    result = run(*arguments)
    assert result.exit_code in {1, 2}
    assert raw(result.output) == set()


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_a_file_that_is_shown_on_a_terminal_has_no_control_characters(
    canned: CannedService, file_format: str
) -> None:
    # The first block ends within a character.
    body = (f'1,"ä{EVIL}"\n'.encode() + "ü".encode()[:1], "ü".encode()[1:] + b",end\n")
    canned.on(f"GET {OF_JOB}/results", Answer(body=body))
    ours, its = pty.openpty()
    arguments = (sys.executable, "-m", "retailpulse", "results", JOB_ID, "--format", file_format)
    environment = clean_environment() | {"RETAILPULSE_URL": canned.url}
    with subprocess.Popen(arguments, stdout=its, stderr=subprocess.PIPE, env=environment) as process:
        os.close(its)
        shown = read_to_the_end(ours)
    assert process.returncode == 0
    assert raw(shown.replace("\r\n", "\n")) == set()
    assert "owned" in shown
    assert "ü,end" in shown


def read_to_the_end(descriptor: int) -> str:
    """What a terminal was given until nobody writes to it any more."""
    found = b""
    with os.fdopen(descriptor, "rb", buffering=0) as terminal:
        try:
            while block := terminal.read(10_000):
                found += block
        except OSError:  # how Linux says that the other side is closed
            pass
    return found.decode()


def test_json_means_the_same_without_control_characters() -> None:
    text = f"{EVIL}\N{SHOPPING TROLLEY}\U000e0001\ud800"
    shown = printable_json(json.dumps(text, ensure_ascii=False))
    assert raw(shown) == set()
    assert json.loads(shown) == text
    assert "\N{SHOPPING TROLLEY}" in shown


def test_what_is_said_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    echo("one\x1b[2J\ntwo\r")
    output_console().print("three\x9b2J")
    assert capsys.readouterr().out == "one\ufffd[2J\ntwo\ufffd\nthree\ufffd2J\n"


def test_there_is_one_door_to_the_terminal() -> None:
    others = [
        f"{path.name}:{node.lineno}"
        for path in Path(retailpulse.cli.__file__).parent.rglob("*.py")
        if path.name not in {"terminal.py", "completion.py"}  # a script for a shell, all ours
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"print", "click.echo", "click.secho", "Console", "sys.stdout.write"}
    ]
    assert others == []
