"""What holds for every client command: help with examples, and a service that is not there."""

import socket
from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner

from retailpulse.cli import group
from retailpulse.cli.connection import Away
from retailpulse.cli.exit_codes import Refusal
from retailpulse.cli.invocation import invocation
from tests.canned import JOB_ID, Answer, CannedService, as_json
from tests.cli.conftest import Run

OURS = [
    "submit",
    "watch",
    "status",
    "results",
    "stores import",
    "demo",
    "keys create",
    "keys list",
    "keys revoke",
    "keys forget",
]


@pytest.mark.parametrize("command", OURS)
def test_help_has_examples_of_the_command_itself(command: str) -> None:
    result = CliRunner().invoke(group, [*command.split(), "--help"])
    assert result.exit_code == 0
    examples = result.stdout.partition("Examples:")[2]
    assert f"retailpulse {command}" in examples


def test_the_exit_codes_are_those_of_the_documents() -> None:
    assert (Refusal.exit_code, click.UsageError.exit_code, Away.exit_code) == (1, 2, 3)


@pytest.mark.parametrize(
    "command",
    [
        ["submit", "FILE"],
        ["watch", JOB_ID],
        ["status", JOB_ID],
        ["results", JOB_ID],
        ["stores", "import", "FILE"],
    ],
)
def test_a_service_that_is_not_there_exits_with_3_and_says_how_to_start_it(
    command: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "file.json"
    path.write_text("{}")
    with (
        socket.socket() as taken
    ):  # bound but not listening: connections are refused, and nobody gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        arguments = [str(path) if word == "FILE" else word for word in command]
        result = CliRunner().invoke(group, [*arguments, "--url", url])
    words = " ".join(result.stderr.replace("│", " ").split())
    assert result.exit_code == 3
    assert result.stdout == ""
    assert url in words
    assert f"`{invocation()} serve`" in words
    assert "Connection refused" in words
    assert "Errno" not in words


def test_an_https_address_of_a_service_without_tls_says_what_to_try(run: Run, canned: CannedService) -> None:
    result = run("status", JOB_ID, "--url", canned.url.replace("http://", "https://"))
    words = " ".join(result.stderr.replace("│", " ").split())
    assert result.exit_code == 3
    assert "wrong version number. It may speak plain HTTP: try --url http://..." in words


@pytest.mark.parametrize(
    "answer", [Answer(status=404, body=b"<html>"), Answer(status=405), Answer(status=501)]
)
def test_another_program_at_the_url_is_suspected(run: Run, canned: CannedService, answer: Answer) -> None:
    canned.on("GET /api/v1/jobs", answer)
    result = run("jobs", "list")
    assert result.exit_code == 1
    assert "Does --url lead to Retail Pulse?" in " ".join(result.stderr.replace("│", " ").split())


def test_a_url_with_a_path_too_much_is_suspected(run: Run, canned: CannedService) -> None:
    problem = {"type": "/problems/not-found", "detail": "there is nothing at /api/api/v1/jobs"}
    canned.on("GET /api/api/v1/jobs", as_json(problem, 404))
    result = run("jobs", "list", "--url", f"{canned.url}/api")
    assert "Does --url lead to Retail Pulse?" in " ".join(result.stderr.replace("│", " ").split())
    missing = {"type": "/problems/not-found", "detail": f"there is no job {JOB_ID}"}
    canned.on(f"GET /api/v1/jobs/{JOB_ID}", as_json(missing, 404))
    assert "--url" not in run("status", JOB_ID).stderr


def test_a_key_that_is_not_valid_says_where_one_is_given_and_made(run: Run, canned: CannedService) -> None:
    detail = "the API key is not valid; send Authorization: Bearer rp_..."
    canned.on("GET /api/v1/jobs", as_json({"type": "/problems/unauthenticated", "detail": detail}, 401))
    result = run("jobs", "list", "--api-key", "wrong")
    words = " ".join(result.stderr.replace("│", " ").split())
    assert result.exit_code == 1
    assert "the API key is not valid. Give a key with --api-key or RETAILPULSE_API_KEY" in words
    assert f"`{invocation()} keys create`" in words


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("sumbit job.json", "submit"),
        ("resluts ID", "results"),
        ("jobs lst", "list"),
        ("keys creat", "create"),
    ],
)
def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(command: str, meant: str) -> None:
    result = CliRunner().invoke(group, command.split())
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("arguments", ["--url http://a jobs list", "--json stats", "--port=1 serve"])
def test_an_option_before_its_command_is_answered_with_its_place(arguments: str) -> None:
    result = CliRunner().invoke(group, arguments.split())
    option = arguments.split(maxsplit=1)[0].partition("=")[0]
    assert result.exit_code == 2
    assert f"{option} stands behind a command: retailpulse COMMAND {option}" in result.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://a", "http://", "nonsense", "http://a:port"])
def test_a_url_that_is_none_exits_with_2(url: str) -> None:
    assert CliRunner().invoke(group, ["status", JOB_ID, "--url", url]).exit_code == 2
