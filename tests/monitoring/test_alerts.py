"""Every alert by promtool, the judge of Prometheus itself: quiet while all is well, firing once it is not."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from retailpulse.cli import group
from retailpulse.telemetry.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
PAGE = (ROOT / "docs" / "alerts.md").read_text()
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
SETTLED = 'retailpulse_images_settled_total{job="retailpulse", outcome="%s"}'
FREE, SIZE = (
    'retailpulse_database_free_bytes{job="retailpulse"}',
    'retailpulse_database_size_bytes{job="retailpulse"}',
)
TRIES = 'retailpulse_callback_tries_total{job="retailpulse", result="%s"}'
LATE = 'retailpulse_event_loop_late_turn_seconds_%s{job="retailpulse", process="api"%s}'
CRASHES = 'retailpulse_crashes_total{job="retailpulse", process="decoder"}'


def of(metric: str) -> str:
    """The one series of a metric that has no labels of its own."""
    return f'{metric}{{job="retailpulse"}}'


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is scraped each minute, as promtool writes it; when an alert is quiet still, and when it fires."""

    alert: str
    series: dict[str, str]
    quiet_at: str
    fires_at: str
    summary: str
    labels: dict[str, str] = field(default_factory=dict)

    def as_group(self) -> dict[str, Any]:
        """The case as promtool reads it."""
        rule = ALERTS[self.alert]
        fired = {
            "exp_labels": {"job": "retailpulse", **rule["labels"], **self.labels},
            "exp_annotations": {
                "summary": self.summary,
                "runbook_url": f"docs/alerts.md#{self.alert.lower()}",
            },
        }
        return {
            "name": f"{self.alert} {self.fires_at}",
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "alert_rule_test": [
                {"alertname": self.alert, "eval_time": self.quiet_at, "exp_alerts": []},
                {"alertname": self.alert, "eval_time": self.fires_at, "exp_alerts": [fired]},
            ],
        }


CASES = [
    Case(
        alert="RetailPulseDown",
        series={of("up"): "1x5 0x10"},
        quiet_at="7m",
        fires_at="8m",
        summary="No API answers, or none has its database.",
    ),
    Case(
        alert="RetailPulseNoWorkers",
        series={of("retailpulse_workers_alive"): "2x5 0x10"},
        quiet_at="6m",
        fires_at="7m",
        summary="No worker is alive. Jobs are accepted and wait.",
    ),
    Case(
        alert="RetailPulseJobsStuck",
        series={
            of("retailpulse_unsettled_images"): "900x60",
            SETTLED % "measured": "0+100x20 2000x40",
        },
        quiet_at="39m",
        fires_at="40m",
        summary="900 images wait for a result, and none got one for a quarter of an hour.",
    ),
    Case(  # nothing was ever settled, so that there is no such series
        alert="RetailPulseJobsStuck",
        series={of("retailpulse_unsettled_images"): "0x20 5x40"},
        quiet_at="20m",
        fires_at="26m",
        summary="5 images wait for a result, and none got one for a quarter of an hour.",
    ),
    Case(
        alert="RetailPulseOldestPending",
        series={of("retailpulse_oldest_pending_job_seconds"): "0+60x20"},
        quiet_at="10m",
        fires_at="11m",
        summary="A job has waited for 11m 0s for a worker to take its first image.",
    ),
    Case(
        alert="RetailPulseFailureShare",
        series={SETTLED % "measured": "0+80x40 3200+60x60", SETTLED % "failed": "0+20x40 800+40x60"},
        quiet_at="40m",
        fires_at="80m",
        summary="40% of the images fail.",
    ),
    Case(
        alert="RetailPulseHostOnlyFails",
        series={of("retailpulse_open_breakers"): "0x5 3x20"},
        quiet_at="15m",
        fires_at="16m",
        summary="3 photo hosts do nothing but fail.",
    ),
    Case(  # a small database on a disk that others fill
        alert="RetailPulseDatabaseNearlyFull",
        series={SIZE: "1e9x30", FREE: "9e9x10 1e9x20"},
        quiet_at="15m",
        fires_at="16m",
        summary="The database can grow by 953.7MiB only.",
    ),
    Case(
        alert="RetailPulseDatabaseNearlyFull",
        series={SIZE: "9e11x30", FREE: "1e11x10 6e10x20"},
        quiet_at="15m",
        fires_at="16m",
        summary="The database can grow by 55.88GiB only.",
    ),
    Case(
        alert="RetailPulseDatabaseFillsUp",
        series={FREE: "9e11x400 9e11-1e9x800"},
        quiet_at="400m",
        fires_at="1000m",
        summary="As the database grew in the last six hours, it will be full within a day.",
    ),
    Case(
        alert="RetailPulseConnectionsUsedUp",
        series={
            of("retailpulse_database_connections"): "90x5 95x10",
            of("retailpulse_database_max_connections"): "100x20",
        },
        quiet_at="10m",
        fires_at="11m",
        summary="95 connections are open, nearly as many as the database server allows.",
    ),
    Case(
        alert="RetailPulseCallbacksFail",
        series={TRIES % "delivered": "0+3x40 120x40", TRIES % "failed": "0+1x80", TRIES % "given_up": "0x80"},
        quiet_at="60m",
        fires_at="75m",
        summary="100% of the tries to deliver callbacks fail.",
    ),
    Case(
        alert="RetailPulseCallbacksGivenUp",
        series={TRIES % "given_up": "0x10 1x60"},
        quiet_at="10m",
        fires_at="11m",
        summary="Callbacks were given up. Their receivers do not know that a job has ended.",
    ),
    Case(
        alert="RetailPulseCallbacksLate",
        series={of("retailpulse_overdue_callback_seconds"): "0+60x20"},
        quiet_at="6m",
        fires_at="7m",
        summary="A callback has been due for 7m 0s, and no worker tries it.",
    ),
    Case(
        alert="RetailPulseEventLoopBlocked",
        series={
            LATE % ("count", ""): "0+5x10 50+1x1 51x30",
            LATE % ("bucket", ', le="1.0"'): "0+5x10 50x30",
        },
        quiet_at="9m",
        fires_at="12m",
        summary="An event loop of api processes was kept for more than a second at once.",
        labels={"process": "api"},
    ),
    Case(
        alert="RetailPulseEventLoopStalled",
        series={
            'retailpulse_workers_replaced_total{job="retailpulse", reason="stalled"}': "0x10 1x60",
            'retailpulse_workers_replaced_total{job="retailpulse", reason="crashed"}': "0+1x70",
        },
        quiet_at="10m",
        fires_at="11m",
        summary="Workers were killed and replaced because their event loop stalled.",
    ),
    Case(
        alert="RetailPulseCrashes",
        series={CRASHES: "0x10 0+1x20"},
        quiet_at="12m",
        fires_at="25m",
        summary="decoder processes keep crashing.",
        labels={"process": "decoder"},
    ),
    Case(
        alert="RetailPulsePoisonedImages",
        series={
            f'{(SETTLED % "failed")[:-1]}, cause="worker_crashed"}}': "_x5 1x10",
            f'{(SETTLED % "failed")[:-1]}, cause="timeout"}}': "1+1x80",
        },
        quiet_at="4m",
        fires_at="6m",
        summary="An image kills workers.",
    ),
    Case(
        alert="RetailPulseErrors",
        series={
            'retailpulse_http_requests_total{job="retailpulse", status="2xx"}': "0+600x40",
            'retailpulse_http_requests_total{job="retailpulse", status="5xx"}': "0x10 0+60x30",
        },
        quiet_at="10m",
        fires_at="25m",
        summary="The API answers 1 requests a second with errors.",
    ),
]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def test_prometheus_reads_the_rules_and_its_configuration() -> None:
    for done in (
        promtool("check", "rules", RULES),
        promtool("check", "config", RULES.parent / "prometheus.yaml"),
    ):
        assert done.returncode == 0, done.stderr
        assert f"{len(ALERTS)} rules found" in done.stdout


def test_every_alert_is_quiet_while_all_is_well_and_fires_once_it_is_not(tmp_path: Path) -> None:
    assert {case.alert for case in CASES} == set(ALERTS)
    file = tmp_path / "tests.yaml"
    tests = [case.as_group() for case in CASES]
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_page_that_says_what_it_means_and_what_to_do(name: str) -> None:
    section = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert "**What it means.**" in section
    assert "**What to do.**" in section
    assert ALERTS[name]["annotations"]["runbook_url"] == f"docs/alerts.md#{name.lower()}"
    assert ALERTS[name]["labels"]["severity"] in {"critical", "warning"}


def test_the_page_has_no_alert_that_does_not_exist() -> None:
    assert re.findall(r"^## (RetailPulse\w+)$", PAGE, re.MULTILINE) == list(ALERTS)


def test_the_page_names_no_command_and_no_option_that_does_not_exist() -> None:
    commands = re.findall(r"`retailpulse ([^`]+)`", PAGE)
    assert len(commands) > 10
    for words in (text.split() for text in commands):
        command: click.Command = group
        context = click.Context(command)
        for word in words:
            if word.startswith("--"):
                known = {name for option in command.params for name in option.opts}
                assert word in known, words
            elif isinstance(command, click.Group):
                found = command.get_command(context, word)
                assert found is not None, words
                command, context = found, click.Context(found, parent=context)


def test_the_alerts_name_metrics_and_labels_that_exist() -> None:
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    samples = {metric.name + suffix for metric in CATALOGUE for suffix in suffixes[metric.kind]}
    labels = {label for metric in CATALOGUE for label in metric.labels} | {"le", "job"}
    for rule in ALERTS.values():
        assert set(re.findall(r"\bretailpulse_\w+", rule["expr"])) <= samples
        assert set(re.findall(r"(\w+)!?=~?\"", rule["expr"])) <= labels


def test_the_links_can_be_put_below_an_address_of_ones_own(tmp_path: Path) -> None:
    (command,) = re.findall(r"^#   (sed .*)$", RULES.read_text(), re.MULTILINE)
    changed = command.replace("> alerts.yaml", f"> {tmp_path}/alerts.yaml")
    subprocess.run(["/bin/sh", "-c", changed], cwd=ROOT, check=True)
    (group,) = yaml.safe_load((tmp_path / "alerts.yaml").read_text())["groups"]
    links = [rule["annotations"]["runbook_url"] for rule in group["rules"]]
    assert links == [f"https://wiki.example/retailpulse/docs/alerts.md#{name.lower()}" for name in ALERTS]
