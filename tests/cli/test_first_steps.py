"""What `serve` says once it answers, on a terminal and in a log, and the samples that it names."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from retailpulse.cli import group
from retailpulse.cli.first_steps import show_first_steps
from retailpulse.client.clients import DEFAULT_URL
from retailpulse.config.settings import ApiSettings, DatabaseSettings, Settings
from retailpulse.domain.times import parse_visit_time
from retailpulse.process.readiness_probe import local_url
from retailpulse.samples import sample_stores
from tests.cli.test_terminal import read_to_the_end
from tests.log_lines import log_lines
from tests.running import RunningService, clean_environment, wait_for

SHOWING = """
import sys
from retailpulse.cli.first_steps import show_first_steps
from retailpulse.config.settings import ApiSettings, DatabaseSettings, Settings
host, port, folder = sys.argv[1:]
api, database = ApiSettings(host=host, port=int(port)), DatabaseSettings(data_dir=folder)
show_first_steps(Settings(api=api, database=database))
"""


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(group, ["sample", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_the_samples_of_visits_are_the_same_visits_to_known_stores() -> None:
    known = {row["StoreID"] for row in csv.DictReader(sample_stores().splitlines())}
    rows = list(csv.DictReader(printed().splitlines()))
    job = json.loads(printed("job"))
    assert {row["store_id"] for row in rows} <= known
    assert all(parse_visit_time(row["visit_time"]) for row in rows)
    assert job["count"] == len(job["visits"])
    assert [(row["store_id"], row["visit_time"], row["image_url"]) for row in rows] == [
        (visit["store_id"], visit["visit_time"], url) for visit in job["visits"] for url in visit["image_url"]
    ]
    assert printed("stores") == sample_stores()


def test_a_log_says_where_the_service_is_and_what_to_type(tmp_path: Path) -> None:
    service = RunningService(tmp_path)
    try:
        wait_for(lambda: "To try it: " in service.log())
        events = [line["event"] for line in log_lines(service.log(), process="serve", level="info")]
        assert f"Dashboard, to see it in a browser: {service.url}/" in events
        assert f"Documentation, to try in a browser: {service.url}/docs" in events
        assert f"Data: {tmp_path / 'data'}" in events
        (steps,) = (event.removeprefix("To try it: ") for event in events if event.startswith("To try it: "))
        # What it says is done as it stands; the photos are on the internet, so that nothing watches the job.
        done = subprocess.run(
            ["sh", "-c", steps.replace(" --watch", "")],
            capture_output=True, text=True, check=True, env=clean_environment(), cwd=Path.cwd(), timeout=60,
        )  # fmt: skip
        assert re.search(r"^[0-9a-f-]{36}$", done.stdout, re.MULTILINE)
    finally:
        assert service.stop() == 0


def test_a_terminal_gets_a_block_with_the_same(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    arguments = (sys.executable, "-c", SHOWING, "::", "8000", str(tmp_path))
    with subprocess.Popen(arguments, stderr=its, env=clean_environment()) as process:
        os.close(its)
        shown = read_to_the_end(ours)
    assert process.returncode == 0
    assert "Retail Pulse answers on http://[::1]:8000" in shown
    assert "submit - --watch --url http://[::1]:8000" in shown
    assert f"Data: {tmp_path}" in shown


def test_the_url_of_a_database_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(api=ApiSettings(), database=DatabaseSettings(url="postgresql://u:secret@db/x"))
    with caplog.at_level("INFO"):
        show_first_steps(settings)
    assert "RETAILPULSE_DATABASE_URL" in caplog.text
    assert "secret" not in caplog.text
    assert "--url" not in caplog.text  # commands ask the default port by themselves


def test_the_client_asks_by_itself_where_a_service_listens_by_itself() -> None:
    assert local_url(ApiSettings()) == DEFAULT_URL
