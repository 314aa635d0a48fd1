"""The dashboard for Grafana: sound as a file, and true to the metrics that it names."""

import json
import re
from itertools import combinations
from typing import Any

import promql_parser
import pytest

from retailpulse.telemetry.catalogue import CATALOGUE
from tests.monitoring.prometheus import DEPLOY

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
UNITS = {"short", "s", "bytes", "Bps", "reqps", "percentunit"}


def queries() -> dict[str, str]:
    """Every expression of the dashboard, as Prometheus gets it, by its panel and its letter."""
    found = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in SHOWN
        for target in panel["targets"]
    }
    assert len(found) == sum(len(panel["targets"]) for panel in SHOWN)
    found["annotations"] = DASHBOARD["annotations"]["list"][0]["expr"]
    return {
        name: text.replace("$__rate_interval", "1m").replace("$job", "retailpulse")
        for name, text in found.items()
    }


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_every_metric_is_shown() -> None:
    asked = " ".join(queries().values())
    assert [metric.name for metric in CATALOGUE if metric.name not in asked] == []


@pytest.mark.parametrize(("name", "expression"), queries().items(), ids=list(queries()))
def test_a_query_names_metrics_and_labels_that_exist(name: str, expression: str) -> None:
    assert "$" not in expression
    assert promql_parser.parse(expression) is not None
    samples = {metric.name + suffix for metric in CATALOGUE for suffix in SUFFIXES[metric.kind]}
    assert set(re.findall(r"\bretailpulse_\w+", expression)) <= samples
    labels = {label for metric in CATALOGUE for label in metric.labels} | {"le", "job"}
    assert set(re.findall(r"(\w+)=~?\"", expression)) <= labels | {"alertname", "alertstate"}
    legends = {
        target.get("legendFormat", "")
        for panel in SHOWN
        for target in panel["targets"]
        if f"{panel['title']} {target['refId']}" == name
    }
    assert set(re.findall(r"{{(\w+)}}", "".join(legends))) <= labels


def test_every_query_is_of_the_service_and_the_prometheus_that_are_chosen() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "job"}
    for panel in SHOWN:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        for target in panel["targets"]:
            selectors = re.findall(r"(?:\bup|retailpulse_\w+)(\{[^}]*)?", target["expr"])
            assert all('job="$job"' in selector for selector in selectors), target["expr"]


def test_panels_have_a_place_of_their_own_and_a_unit_that_grafana_knows() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations(PANELS, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
    assert {panel["fieldConfig"]["defaults"].get("unit", "short") for panel in SHOWN} <= UNITS
