"""docs/metrics.md and the code say the same, and what the document recommends can be asked."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from retailpulse.telemetry.catalogue import CATALOGUE, Metric

DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def asked() -> list[str]:
    """Every expression of the document: of the table of questions and of the alerts."""
    questions = DOCUMENT.partition("| question |")[2].partition("\n\n")[0]
    found = re.findall(r"\| `([^`]+)` \|", questions)
    return found + [str(rule["expr"]) for rule in alerts()]


def alerts() -> list[dict[str, Any]]:
    (block,) = re.findall(r"```yaml\n(groups:\n.*?)```", DOCUMENT, re.DOTALL)
    (group,) = yaml.safe_load(block)["groups"]
    return list(group["rules"])


def test_the_table_holds_every_metric_and_no_other() -> None:
    rows = re.findall(r"^\| (`retailpulse_.*) \|$", DOCUMENT, re.MULTILINE)
    labels = [", ".join(f"`{label}`" for label in metric.labels) or "-" for metric in CATALOGUE]
    assert rows == [
        f"`{metric.full_name}` | {metric.kind} | {names} | {metric.meaning}"
        for metric, names in zip(CATALOGUE, labels, strict=True)
    ]


@pytest.mark.parametrize("expression", asked())
def test_what_the_document_recommends_can_be_asked(expression: str) -> None:
    assert promql_parser.parse(expression) is not None
    samples = {metric.name + suffix for metric in CATALOGUE for suffix in SUFFIXES[metric.kind]}
    named = re.findall(r"\bretailpulse_\w+", expression)
    assert set(named) <= samples
    labels = {label for metric in CATALOGUE for label in metric.labels} | {"le", "job"}
    assert set(re.findall(r"(\w+)=\"", expression)) <= labels


def test_every_alert_says_what_is_wrong() -> None:
    assert len(alerts()) >= 5
    assert all(rule["annotations"]["summary"] for rule in alerts())


def test_the_scrape_configuration_is_one() -> None:
    (block,) = re.findall(r"```yaml\n(scrape_configs:\n.*?)```", DOCUMENT, re.DOTALL)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    assert job["job_name"] == "retailpulse"  # which the alert on `up` names


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_follow_the_custom(metric: Metric) -> None:
    assert re.fullmatch(r"retailpulse_[a-z_]+", metric.name)
    assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert metric.kind != "histogram" or metric.name.endswith("_seconds")
    assert list(metric.bounds) == sorted(set(metric.bounds))
    assert bool(metric.bounds) == (metric.kind == "histogram")
    assert metric.meaning.endswith(".")
