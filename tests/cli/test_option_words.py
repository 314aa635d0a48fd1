"""What the service says of parameters is said of options, as they can be typed."""

import json

import pytest

from retailpulse.cli.option_words import in_options
from tests.canned import CannedService, as_json
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Say which: columns=store_id:A", "Say which: --columns store_id:A"),
        ("Then say columns=StoreID:Outlet Nr", "Then say --columns 'StoreID:Outlet Nr'"),
        ("Then say columns=StoreID:a'; b", """Then say --columns 'StoreID:a'"'"'; b'"""),
        (
            "date_order=day-first or date_order=month-first",
            "--date-order day-first or --date-order month-first",
        ),
        ("columns=store_id:C, or the header", "--columns store_id:C, or the header"),
        ("my_columns=a and count=3 stay", "my_columns=a and count=3 stay"),
    ],
)
def test_parameters_are_said_as_options(said: str, shown: str) -> None:
    assert in_options(said) == shown


def test_a_refused_file_is_told_which_option_helps(run: Run, canned: CannedService) -> None:
    detail = "line 1: visit_time not found. The columns are a, b. Say which it is: columns=visit_time:B"
    refused = {"type": "/problems/invalid-request", "detail": detail}
    canned.on("POST /api/v1/jobs", as_json(refused, 400))
    result = run("submit", "-", stdin=json.dumps({}).encode())
    assert result.exit_code == 1
    assert "--columns visit_time:B" in result.stderr
