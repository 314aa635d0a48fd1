"""docs/metrics.md and the code say the same, and what the document recommends can be asked."""

import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from retailpulse.telemetry.catalogue import CATALOGUE, Metric

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text()
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def asked() -> list[str]:
    """Every expression of the table of questions."""
    questions = DOCUMENT.partition("| question |")[2].partition("\n\n")[0]
    return re.findall(r"\| `([^`]+)` \|", questions)


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


def test_the_scrape_configuration_is_one() -> None:
    (block,) = re.findall(r"```yaml\n(scrape_configs:\n.*?)```", DOCUMENT, re.DOTALL)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    deployed = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text())
    assert [job] == [{"scrape_interval": "15s", **one} for one in deployed["scrape_configs"]]
    assert job["job_name"] == "retailpulse"  # which the alert on `up` names


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_follow_the_custom(metric: Metric) -> None:
    assert re.fullmatch(r"retailpulse_[a-z_]+", metric.name)
    assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert metric.kind != "histogram" or metric.name.endswith("_seconds")
    assert list(metric.bounds) == sorted(set(metric.bounds))
    assert bool(metric.bounds) == (metric.kind == "histogram")
    assert metric.meaning.endswith(".")
