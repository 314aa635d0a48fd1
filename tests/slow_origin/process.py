"""The slow origin as a process of its own, so that thousands of its connections cost the test nothing.

How its hosts behave is `manners`' and `server`'s. It ends with us, however we end, as its input does.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import msgspec

from tests.slow_origin.manners import HostCount
from tests.slow_origin.server import address_of

NETWORK = "127.0.0.0/8"
"""Holds every address of the origin."""
_CHECKOUT = Path(__file__).parents[2]
_STOP_SECONDS = 10.0


class SlowOrigin:
    """Many hosts; use it in a `with`.

    `manners` are those of hosts that are not plain, by number, like `connections:2`: see `manners`.
    """

    def __init__(self, hosts: int = 1, manners: Mapping[int, str] | None = None) -> None:
        self.hosts = hosts
        self._manners = [f"{number}={kind}" for number, kind in (manners or {}).items()]

    def __enter__(self) -> Self:
        path = os.pathsep.join((str(_CHECKOUT / "src"), str(_CHECKOUT)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.slow_origin", str(self.hosts), *self._manners],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        told = self._process.stdout.readline().split()
        if len(told) != 2:
            raise RuntimeError("the slow origin did not start")
        self.port, control = map(int, told)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{control}", timeout=60, trust_env=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def proxy(self) -> str:
        """The first host as a proxy, by which any name can be had without looking it up."""
        return f"http://{address_of(0)}:{self.port}"

    def url(self, latency_ms: int | str, name: str, *, host: int = 0) -> str:
        """A photo that takes so long, `2000` or `1000-3000`; each name is a photo of its own."""
        return f"http://{address_of(host)}:{self.port}/{latency_ms}/{name}.jpg"

    def urls(self, latency_ms: int | str, name: str, count: int, *, hosts: Sequence[int] = (0,)) -> list[str]:
        """So many photos, of the hosts in turn."""
        return [self.url(latency_ms, f"{name}-{n}", host=hosts[n % len(hosts)]) for n in range(count)]

    def counts(self) -> list[HostCount]:
        """What each host has seen since the last `reset`."""
        return msgspec.json.decode(self._http.get("/_stats").content, type=list[HostCount])

    def count(self, host: int = 0) -> HostCount:
        """What one host has seen since the last `reset`."""
        return self.counts()[host]

    def arrivals(self, host: int = 0) -> list[tuple[float, str]]:
        """When the last 200,000 requests came in, by this machine's monotonic clock, and their paths."""
        told = msgspec.json.decode(self._http.get("/_arrivals").content, type=list[list[tuple[float, str]]])
        return told[host]

    def reset(self) -> None:
        """Counts anew from what is open now."""
        self._http.get("/_reset").raise_for_status()
