"""A real Prometheus that scrapes one API every second; no alert waits before it fires."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path

import httpx
import pytest
import yaml

from tests.running import free_port, wait_for

DEPLOY = Path(__file__).parents[2] / "deploy"
NEEDED = "needs prometheus: apt-get install prometheus"


class Prometheus:
    """The HTTP API of a running Prometheus."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def is_ready(self) -> bool:
        """Whether it answers questions."""
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def values(self, expression: str) -> list[float]:
        """What an expression gives now, of each series a number; those that are none are left out."""
        answer = self._http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        numbers = [float(series["value"][1]) for series in answer.json()["data"]["result"]]
        return [number for number in numbers if not isnan(number)]

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        alerts = self._http.get("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def rules(self) -> dict[str, str]:
        """How the evaluation of each alert went: `ok`, `err` or `unknown`."""
        (group,) = self._http.get("/api/v1/rules").json()["data"]["groups"]
        return {rule["name"]: rule["health"] for rule in group["rules"]}

    def close(self) -> None:
        """Closes the connection to it."""
        self._http.close()


@contextmanager
def scraping(folder: Path, target_port: int) -> Iterator[Prometheus]:
    """A Prometheus with the configuration and the alerts of `deploy`, both made quick, during the block."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip(NEEDED)
    rules = (DEPLOY / "prometheus" / "alerts.yaml").read_text()
    (folder / "alerts.yaml").write_text(re.sub(r"^ +for: \w+\n", "", rules, flags=re.MULTILINE))
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{target_port}"]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    command = [program, "--config.file=prometheus.yaml", "--storage.tsdb.path=data"]
    with (folder / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], cwd=folder, stdout=log, stderr=log
        )
    prometheus = Prometheus(f"http://127.0.0.1:{port}")
    try:
        wait_for(prometheus.is_ready)
        yield prometheus
    finally:
        prometheus.close()
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0, (folder / "prometheus.log").read_text()
