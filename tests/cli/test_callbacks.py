"""The command `callbacks secret`: prints what signs, replaces it, and tells nobody else."""

import base64
import json
import subprocess

import pytest

from retailpulse.config.settings.callbacks import CallbackSettings
from tests.cli.test_maintenance import NO_DATABASE, command
from tests.storage.servers import database_url, empty_url, postgres

__all__ = ["database_url", "empty_url", "postgres"]

OURS = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


def secret(url: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return command("callbacks", "secret", *arguments, RETAILPULSE_DATABASE_URL=url, **environment)


def test_it_prints_the_secret_that_the_database_keeps(database_url: str) -> None:
    first, second = secret(database_url), secret(database_url)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert CallbackSettings(secret=first.stdout.strip()).secrets() == (first.stdout.strip(),)


def test_a_rotation_makes_a_new_one_and_lets_the_old_one_sign_for_a_while(database_url: str) -> None:
    old = secret(database_url).stdout.strip()
    done = secret(database_url, "--rotate", "--overlap", "7d")
    new, second = done.stdout.splitlines()
    assert (done.returncode, second, old != new) == (0, old, True)
    assert "signs too until" in done.stderr
    as_click_error = json.loads(secret(database_url, "--json").stdout)["secrets"]
    assert [one["secret"] for one in as_click_error] == [new, old]
    assert as_click_error[0]["retires_at"] is None
    assert as_click_error[1]["retires_at"] > as_click_error[1]["made_at"]
    newest = secret(database_url, "--rotate", "--overlap", "0s").stdout.splitlines()
    assert len(newest) == 1
    assert newest[0] not in {old, new}


def test_a_secret_of_the_setting_is_printed_and_not_rotated(database_url: str) -> None:
    ours = {"RETAILPULSE_CALLBACKS_SECRET": f"{OURS}, {OTHER}"}
    assert secret(NO_DATABASE, **ours).stdout.splitlines() == [OURS, OTHER]
    refused = secret(database_url, "--rotate", **ours)
    assert refused.returncode == 2
    assert OURS not in refused.stderr
    assert "RETAILPULSE_CALLBACKS_SECRET" in refused.stderr


@pytest.mark.parametrize("text", ["hunter2", "whsec_short", OURS + "!", "whsec_" + "A" * 400])
def test_a_setting_that_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    refused = command("config", RETAILPULSE_CALLBACKS_SECRET=text)
    assert refused.returncode == 2
    assert "RETAILPULSE_CALLBACKS_SECRET" in refused.stderr
    assert text not in refused.stderr


def test_the_settings_are_printed_without_the_secret() -> None:
    for arguments in ([], ["--json"]):
        printed = command("config", *arguments, RETAILPULSE_CALLBACKS_SECRET=OURS).stdout
        assert "RETAILPULSE_CALLBACKS_SECRET" in printed
        assert OURS not in printed
        assert "***" in printed


@pytest.mark.parametrize("overlap", ["x", "400d", "-1d"])
def test_an_overlap_that_is_none_is_a_usage_error(overlap: str) -> None:
    assert secret(NO_DATABASE, "--rotate", f"--overlap={overlap}").returncode == 2


def test_without_tables_or_a_database_it_says_so(empty_url: str) -> None:
    for url, words in ((empty_url, "retailpulse migrate"), (NO_DATABASE, "database")):
        failed = secret(url)
        assert failed.returncode == 1
        assert words in failed.stderr
        assert "Traceback" not in failed.stderr
