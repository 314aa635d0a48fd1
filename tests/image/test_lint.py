"""The Dockerfile and the compose files: sound by their linters, and true to the settings that they name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from retailpulse.cli import MODULES
from retailpulse.config.loading import load
from retailpulse.config.settings import ApiSettings
from tests.image.recipe import ROOT, stages

COMPOSE = ("compose.yaml", "compose.scale.yaml")
MONITORING = "compose.monitoring.yaml"
OURS = {setting.variable for setting in load(environ={}).listed()}

each_compose = pytest.mark.parametrize("name", COMPOSE)
each_file = pytest.mark.parametrize("name", [*COMPOSE, MONITORING])


def services(name: str) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load((ROOT / name).read_text())["services"])


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    done = run(str(Path(sys.executable).parent / "hadolint"), "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@each_file
def test_a_compose_file_follows_the_specification(name: str) -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = run(*checker, name)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def compose() -> tuple[str, ...]:
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]) and run(*command, "version").returncode == 0:
            return command
    pytest.skip("needs docker compose: apt-get install docker-compose")


def read(
    compose: tuple[str, ...], names: tuple[str, ...], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What docker compose makes of files, less their names, which versions before 2 do not know."""
    files = []
    for name in names:
        lines = (ROOT / name).read_text().splitlines(keepends=True)
        file = folder / name
        file.write_text("".join(line for line in lines if not line.startswith("name:")))
        files += ["-f", str(file)]
    asked = ("--project-directory", str(ROOT), *files, "config", "--quiet")
    return run(*compose, *asked, **environment)


@each_compose
def test_docker_compose_reads_a_compose_file(name: str, compose: tuple[str, ...], tmp_path: Path) -> None:
    done = read(compose, (name,), tmp_path, POSTGRES_PASSWORD="secret")
    assert done.returncode == 0, done.stderr


def test_docker_compose_reads_prometheus_and_grafana_beside_the_service(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    images = {"PROMETHEUS_IMAGE": "prom/prometheus", "GRAFANA_IMAGE": "grafana/grafana"}
    files = ("compose.yaml", MONITORING)
    done = read(compose, files, tmp_path, GRAFANA_PASSWORD="secret", **images)
    assert done.returncode == 0, done.stderr
    assert "set a password for Grafana" in read(compose, files, tmp_path, **images).stderr


def test_prometheus_and_grafana_find_what_is_mounted_for_them() -> None:
    found = services(MONITORING)
    mounts = [volume.split(":") for one in found.values() for volume in one["volumes"]]
    assert all((ROOT / source).exists() for source, *_ in mounts if source.startswith("./"))
    configuration, *_, listening = found["prometheus"]["command"]
    assert configuration == "--config.file=/etc/prometheus/prometheus.yaml"
    assert (ROOT / "deploy" / "prometheus" / "prometheus.yaml").exists()
    provisioning = ROOT / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    (board,) = yaml.safe_load((provisioning / "dashboards" / "retailpulse.yaml").read_text())["providers"]
    assert source["url"].rpartition(":")[2] == listening.rpartition(":")[2]
    assert found["prometheus"]["network_mode"] == "service:retailpulse"
    targets = {Path(target).parent for _, target, *_ in mounts if target.endswith(".json")}
    assert targets == {Path(board["options"]["path"])}


def test_docker_compose_asks_for_the_password_that_nobody_set(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    done = read(compose, ("compose.scale.yaml",), tmp_path)
    assert done.returncode != 0
    assert "set a password for the database" in done.stderr


@pytest.mark.parametrize("name", ["Dockerfile", *COMPOSE])
def test_only_settings_that_exist_are_named(name: str) -> None:
    named = set(re.findall(r"\bRETAILPULSE_[A-Z_]+[A-Z]\b", (ROOT / name).read_text()))
    assert named - OURS == set()


@each_compose
def test_the_values_of_settings_can_be_used(name: str) -> None:
    for service in services(name).values():
        environment = {
            variable: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
            for variable, value in service.get("environment", {}).items()
            if variable in OURS
        }
        load(environ=environment)


@each_compose
def test_every_command_exists(name: str) -> None:
    commands = {service["command"][0] for service in services(name).values() if "command" in service}
    assert commands <= set(MODULES)


@each_file
def test_only_this_machine_reaches_what_is_published(name: str) -> None:
    published = [port for service in services(name).values() for port in service.get("ports", ())]
    assert len(published) == 1
    assert published[0].startswith("127.0.0.1:")


@each_file
def test_no_secret_has_a_default(name: str) -> None:
    for service in services(name).values():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), variable
            assert not re.search(r"://[^/@]*:[^/@]*@", value), variable


def test_four_workers_and_two_apis_share_one_database() -> None:
    found = services("compose.scale.yaml")
    replicas = {name: service["deploy"]["replicas"] for name, service in found.items() if "deploy" in service}
    assert replicas == {"api": 2, "worker": 4}
    urls = {
        name: found[name]["environment"]["RETAILPULSE_DATABASE_URL"] for name in ("api", "worker", "migrate")
    }
    assert len(set(urls.values())) == 1


def test_the_image_runs_as_nobody_special_and_is_watched() -> None:
    final = stages()[-1]
    (user,) = final.all("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert final.command("HEALTHCHECK") == ["retailpulse", "health"]
    assert final.command("ENTRYPOINT")[-1] == "retailpulse"
    assert final.command("CMD") == ["serve"]
    assert final.all("STOPSIGNAL") == ["SIGTERM"]
    environment = final.environment()
    assert final.command("VOLUME") == [environment["RETAILPULSE_DATABASE_DATA_DIR"]]
    assert final.all("EXPOSE") == [str(ApiSettings().port)]
    settings = load(environ={name: value for name, value in environment.items() if name in OURS}).settings
    assert not settings.api.is_loopback()


def test_whatever_is_copied_from_the_repository_reaches_the_builder() -> None:
    copied = {
        part
        for stage in stages()
        for text in stage.all("COPY")
        if "--from" not in text
        for part in text.split()[:-1]
    }
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_every_package_is_installed_by_its_hash_or_from_what_was_built() -> None:
    installs = [
        text for stage in stages() for text in stage.all("RUN") if " install " in text and "pip" in text
    ]
    assert len(installs) == 3
    for text in installs:
        assert "--require-hashes --only-binary :all:" in text or "--no-deps --no-index /dist/*.whl" in text


def test_the_apis_believe_the_balancer_alone_who_a_client_is() -> None:
    balanced = services("compose.scale.yaml")
    believed = balanced["api"]["environment"]["RETAILPULSE_API_TRUSTED_PROXIES"]
    assert believed == balanced["balancer"]["networks"]["default"]["ipv4_address"]
    balancer = (ROOT / "deploy" / "haproxy.cfg").read_text()
    assert "http-request set-header X-Forwarded-For %[src]" in balancer
    assert "forwardfor" not in balancer


@each_file
def test_no_container_takes_processes_or_memory_without_end_or_spools_into_memory(name: str) -> None:
    for service in services(name).values():
        assert service["pids_limit"]
        assert re.fullmatch(r"(\$\{[A-Z_]+:-)?[1-9]\d*[gm]\}?", service["mem_limit"])
        spool = service.get("environment", {}).get("RETAILPULSE_API_SPOOL_DIR")
        assert spool is None or (spool in service["volumes"] and spool not in service["tmpfs"])


def test_images_of_others_are_named_by_digest() -> None:
    named = [
        service["image"] for name in COMPOSE for service in services(name).values() if "image" in service
    ]
    (python,) = re.findall(r"^ARG PYTHON_IMAGE=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for image in {python, *named} - {"retailpulse:latest"}:
        assert re.fullmatch(r"[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", image), image
