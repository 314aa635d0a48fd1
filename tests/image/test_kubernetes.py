"""The manifests for Kubernetes: sound by its schemas, and true to the settings that they name."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from retailpulse.cli import MODULES
from retailpulse.config.loading import load
from tests.image.recipe import ROOT, stages

TEXT = (ROOT / "deploy" / "kubernetes" / "retailpulse.yaml").read_text()
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all(TEXT))
OURS = {setting.variable for setting in load(environ={}).listed()}
NEWEST = kubernetes_validate.latest_version()
by_name = pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']}/{manifest['metadata']['name']}"
)
PODS = {
    manifest["metadata"]["name"]: manifest["spec"]["template"]
    for manifest in MANIFESTS
    if "template" in manifest["spec"]
}
by_pod = pytest.mark.parametrize("name", PODS)


def container(name: str) -> dict[str, Any]:
    (found,) = PODS[name]["spec"]["containers"]
    return dict(found)


@by_name
@pytest.mark.parametrize("version", ["1.30", NEWEST])
def test_a_manifest_follows_the_schema_and_has_no_field_beyond_it(
    manifest: dict[str, Any], version: str
) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_field_that_does_not_exist_would_be_found() -> None:
    wrong = {**MANIFESTS[0], "spec": {**MANIFESTS[0]["spec"], "backofLimit": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


@by_pod
def test_a_pod_has_no_rights_that_it_does_not_need(name: str) -> None:
    spec = PODS[name]["spec"]
    (user,) = stages()[-1].all("USER")
    context = spec["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container(name)["resources"]["limits"]["memory"]


@by_pod
def test_only_settings_and_commands_that_exist_are_named(name: str) -> None:
    one = container(name)
    assert set(one["args"][:1]) <= set(MODULES)
    variables = {entry["name"]: entry.get("value") for entry in one["env"]}
    assert set(variables) <= OURS
    load(environ={name: value for name, value in variables.items() if value is not None})
    assert not re.search(r"://[^/@\s]*:[^/@\s]*@(?!HOST)", TEXT)
    # Kubernetes would set variables such as RETAILPULSE_PORT for a service of that name.
    assert PODS[name]["spec"]["enableServiceLinks"] is False


def test_all_processes_share_one_database_and_one_key() -> None:
    secrets = [[entry for entry in container(name)["env"] if "valueFrom" in entry] for name in PODS]
    assert all(secret == secrets[0] for secret in secrets)
    named = {entry["valueFrom"]["secretKeyRef"]["name"] for entry in secrets[0]}
    assert set(re.findall(r"create secret generic (\S+)", TEXT)) == named


def test_probes_and_services_reach_the_ports_of_the_api() -> None:
    api = container("retailpulse-api")
    ports = {port["name"]: port["containerPort"] for port in api["ports"]}
    variables = {entry["name"]: entry.get("value") for entry in api["env"]}
    assert str(ports["health"]) == variables["RETAILPULSE_API_HEALTH_PORT"]
    assert stages()[-1].all("EXPOSE") == [str(ports["http"])]
    for probe in ("readinessProbe", "livenessProbe"):
        asked = api[probe]["httpGet"]
        assert asked["port"] == "health"
        (host,) = asked["httpHeaders"]
        assert host["value"] in variables["RETAILPULSE_API_ALLOWED_HOSTS"].split(",")
    (service,) = [manifest for manifest in MANIFESTS if manifest["kind"] == "Service"]
    labels = PODS["retailpulse-api"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(ports)
