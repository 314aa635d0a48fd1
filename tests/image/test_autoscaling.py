"""The manifests that scale workers on Kubernetes, and the time that stopping workers have."""

from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from retailpulse.config.settings import WorkerSettings
from retailpulse.schema import Stats
from retailpulse.telemetry.catalogue import CATALOGUE
from tests.image.recipe import ROOT
from tests.image.test_kubernetes import MANIFESTS, NEWEST, PODS, container

FOLDER = ROOT / "deploy" / "kubernetes"
(HPA,) = yaml.safe_load_all((FOLDER / "autoscale-hpa.yaml").read_text())
TRIGGER_AUTHENTICATION, SCALED_OBJECT = yaml.safe_load_all((FOLDER / "autoscale-keda.yaml").read_text())
BY_KIND = {(one["kind"], one["metadata"]["name"]): one for one in MANIFESTS}
(TRIGGER,) = SCALED_OBJECT["spec"]["triggers"]


@pytest.mark.parametrize("version", ["1.30", NEWEST])
def test_the_plain_autoscaler_follows_the_schema(version: str) -> None:
    kubernetes_validate.validate(HPA, version, strict=True)
    assert ("Deployment", HPA["spec"]["scaleTargetRef"]["name"]) in BY_KIND


def test_its_metric_is_one_of_ours() -> None:
    (metric,) = HPA["spec"]["metrics"]
    assert metric["external"]["metric"]["name"] in {one.name for one in CATALOGUE}


def test_keda_scales_the_workers_as_an_autoscaler_of_kubernetes_would() -> None:
    spec = SCALED_OBJECT["spec"]
    assert ("Deployment", spec["scaleTargetRef"]["name"]) in BY_KIND
    made: dict[str, Any] = {
        **HPA,
        "spec": {**HPA["spec"], **spec["advanced"]["horizontalPodAutoscalerConfig"]},
    }
    kubernetes_validate.validate(made, NEWEST, strict=True)
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, HPA["spec"]["maxReplicas"])


def test_keda_asks_an_api_that_may_be_asked_there() -> None:
    known = TRIGGER["metadata"]
    url = urlsplit(known["url"])
    assert ("Service", str(url.hostname).partition(".")[0]) in BY_KIND
    variables = {entry["name"]: entry.get("value", "") for entry in container("retailpulse-api")["env"]}
    assert url.hostname in variables["RETAILPULSE_API_ALLOWED_HOSTS"].split(",")
    assert url.path == "/api/v1/stats"
    assert known["valueLocation"] in Stats.__struct_fields__
    # Without it KEDA would never wake the first worker, as a target of one is not above one.
    assert known["activationTargetValue"] == "0"


def test_keda_has_the_key_that_its_secret_holds() -> None:
    assert TRIGGER["authenticationRef"]["name"] == TRIGGER_AUTHENTICATION["metadata"]["name"]
    (secret,) = TRIGGER_AUTHENTICATION["spec"]["secretTargetRef"]
    text = (FOLDER / "autoscale-keda.yaml").read_text()
    assert f"create secret generic {secret['name']} --from-literal={secret['key']}=" in text
    assert (secret["parameter"], TRIGGER["metadata"]["authMode"]) == ("token", "bearer")


def test_a_worker_that_is_told_to_go_has_more_time_than_it_takes() -> None:
    grace_seconds = WorkerSettings().grace_seconds
    assert PODS["retailpulse-worker"]["spec"]["terminationGracePeriodSeconds"] > grace_seconds
    unit = (ROOT / "deploy" / "retailpulse-worker@.service").read_text()
    (seconds,) = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("TimeoutStopSec=")]
    assert int(seconds) > grace_seconds
