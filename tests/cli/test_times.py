"""Times and days that lists and reports are filtered by: what goes to the service, what is refused before."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from tests.canned import CannedService, as_json
from tests.cli.conftest import Run

LISTS = {"jobs list": "submitted", "visits": "visited"}
every_list = pytest.mark.parametrize("command", LISTS)


def asked_for(run: Run, canned: CannedService, command: str, **given: str) -> dict[str, str]:
    """The parameters of the query that a list with these options sends."""
    path = command.replace(" list", "").replace("report ", "reports/")
    canned.on(f"GET /api/v1/{path}", as_json({"items": [], "next": None}))
    result = run(*command.split(), *(f"--{name}={text}" for name, text in given.items()))
    assert result.exit_code == 0, result.output
    return {name: texts[0] for name, texts in parse_qs(canned.asked[-1].query).items()}


@every_list
@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T10:00:00+05:30", "1795168800"])
def test_what_the_service_reads_goes_there_as_it_is(
    run: Run, canned: CannedService, command: str, text: str
) -> None:
    query = asked_for(run, canned, command, after=text, before=text)
    assert [query[f"{LISTS[command]}_{end}"] for end in ("after", "before")] == [text, text]


@every_list
@pytest.mark.parametrize(("name", "days_ago"), [("today", 0), ("Yesterday", 1)])
def test_days_have_names(run: Run, canned: CannedService, command: str, name: str, days_ago: int) -> None:
    first = datetime.now(UTC)
    query = asked_for(run, canned, command, after=name)
    days = {(now - timedelta(days=days_ago)).date().isoformat() for now in (first, datetime.now(UTC))}
    assert query[f"{LISTS[command]}_after"] in days  # two of them if midnight passed


@every_list
@pytest.mark.parametrize(
    ("text", "age"),
    [("7d", timedelta(days=7)), ("1.5h", timedelta(minutes=90)), ("90m", timedelta(minutes=90))],
)
def test_an_age_is_that_long_ago(
    run: Run, canned: CannedService, command: str, text: str, age: timedelta
) -> None:
    first = datetime.now(UTC)
    query = asked_for(run, canned, command, before=text)
    instant = datetime.fromisoformat(query[f"{LISTS[command]}_before"])
    assert first - age <= instant <= datetime.now(UTC) - age


@every_list
@pytest.mark.parametrize("option", ["--after", "--before"])
@pytest.mark.parametrize(
    "text", ["", "soon", "tomorrow", "20/11/2026", "7 days", "-7d", "999999d", "2026-02-30"]
)
def test_what_is_no_time_is_refused_by_its_option_before_any_request(
    run: Run, canned: CannedService, command: str, option: str, text: str
) -> None:
    result = run(*command.split(), f"{option}={text}")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert canned.asked == []


ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago"]
"""Zones with 25 hours between them: at no time is it the same day in both."""


@pytest.mark.parametrize("kind", ["visits", "stores", "areas"])
@pytest.mark.parametrize(("name", "days_ago"), [("today", 0), ("Yesterday", 1), ("7d", 7), ("0d", 0)])
@pytest.mark.parametrize("zone", ZONES)
def test_days_of_a_report_are_those_of_its_zone(
    run: Run, canned: CannedService, kind: str, name: str, days_ago: int, zone: str
) -> None:
    first = datetime.now(ZoneInfo(zone))
    query = asked_for(run, canned, f"report {kind}", **{"from": name, "to": name, "tz": zone})
    days = {
        (now - timedelta(days=days_ago)).date().isoformat() for now in (first, datetime.now(first.tzinfo))
    }
    assert query["from_day"] == query["to_day"]
    assert query["from_day"] in days  # two of them if midnight passed


def test_a_report_of_no_zone_is_of_days_in_utc(run: Run, canned: CannedService) -> None:
    first = datetime.now(UTC)
    query = asked_for(run, canned, "report areas", **{"from": "today"})
    assert query["from_day"] in {now.date().isoformat() for now in (first, datetime.now(UTC))}


@pytest.mark.parametrize("option", ["--from", "--to"])
@pytest.mark.parametrize(
    "text", ["", "soon", "12h", "7 days", "-7d", "999999d", "2026-02-30", "2026-11-20T10:00Z"]
)
def test_what_is_no_day_is_refused_by_its_option_before_any_request(
    run: Run, canned: CannedService, option: str, text: str
) -> None:
    result = run("report", "visits", f"{option}={text}")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert canned.asked == []


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc", "Europe"])
def test_a_zone_that_this_machine_does_not_know_has_no_today(
    run: Run, canned: CannedService, zone: str
) -> None:
    result = run("report", "visits", "--from=today", f"--tz={zone}")
    assert (result.exit_code, canned.asked) == (2, [])
    assert zone in result.stderr
