"""The server that the photos are fetched from: nginx where it is installed, else our own in Python.

Both listen on a free port of a loopback address, keep connections, know Range, and log nothing.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.cases import PHOTOS, BenchFailed, Photo
from bench.photos import draw_photo
from bench.scratch_process import ScratchProcess

ADDRESS = "127.0.1.250"
"""Beside those of the hostile origin, and unlike 127.0.0.1 none that its tricks lead to."""
_READY_SECONDS = 20.0
_NGINX_CONFIG = """\
{user}
daemon off;
worker_processes {processes};
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    types {{ image/jpeg jpg; }}
    client_body_temp_path tmp-body;
    proxy_temp_path tmp-proxy;
    fastcgi_temp_path tmp-fastcgi;
    uwsgi_temp_path tmp-uwsgi;
    scgi_temp_path tmp-scgi;
    server {{ listen {address}:{port} reuseport; root photos; }}
}}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A running origin."""

    name: str
    url: str
    folder: Path
    keeper_pid: int

    def photo_url(self, photo: Photo) -> str:
        """Where a photo is; whatever follows a question mark is ignored."""
        return f"{self.url}/{photo.file_name}"

    def photo_path(self, photo: Photo) -> Path:
        """The file of a photo."""
        return self.folder / photo.file_name


@contextmanager
def running_origin(processes: int) -> Iterator[Origin]:
    """Draws the photos and serves them until the context ends."""
    port = free_port(ADDRESS)
    with ScratchProcess("origin") as scratch:
        folder = scratch.folder / "photos"
        folder.mkdir()
        for photo in PHOTOS:
            draw_photo(photo, folder)
        nginx = find_nginx()
        name = _nginx_version(nginx) if nginx else "Python"
        scratch.start(_command(nginx, scratch.folder, port, processes), {})
        url = f"http://{ADDRESS}:{port}"
        origin = Origin(name=name, url=url, folder=folder, keeper_pid=scratch.keeper_pid)
        _wait_until_it_answers(scratch, origin)
        yield origin


def find_nginx() -> str | None:
    """The path of nginx, or None where it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_port(address: str) -> int:
    """A port of an address that was free just now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _command(nginx: str | None, folder: Path, port: int, processes: int) -> list[str]:
    if nginx is None:
        module = ["-m", "bench.python_origin"]
        return [sys.executable, *module, ADDRESS, str(port), str(processes), str(folder / "photos")]
    # As root nginx would change to another user, whose counters and files are out of reach.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(user=user, processes=processes, address=ADDRESS, port=port))
    return [nginx, "-p", str(folder), "-c", str(config)]


def _nginx_version(nginx: str) -> str:
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return "nginx " + said.strip().rpartition("/")[2]


def _wait_until_it_answers(scratch: ScratchProcess, origin: Origin) -> None:
    until = time.monotonic() + _READY_SECONDS
    while True:
        try:
            if httpx.head(origin.photo_url(PHOTOS[0]), trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if scratch.ended() or time.monotonic() > until:
            raise BenchFailed(f"the origin ({origin.name}) did not start:\n{scratch.log_end()}")
        time.sleep(0.05)
