"""Scenes in which one name's open connection could serve another name, which is internal."""

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trustme

from retailpulse.fetch.target import dns
from tests.fetch.namespace.nameserver import at
from tests.fetch.namespace.stage import Stage
from tests.fetch.namespace.world import INTERNAL, PUBLIC

_NAMES = ("first.test", "second.test", "inside.test")


def _context(authority: trustme.CA, protocols: list[str]) -> ssl.SSLContext:
    """A server's side of TLS whose one certificate is good for all names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*_NAMES).configure_cert(context)
    context.set_alpn_protocols(protocols)
    return context


async def an_open_connection_of_another_name(stage: Stage) -> dict[str, Any]:
    return await _ask_all(stage, "http")


async def an_open_tls_connection_of_another_name(stage: Stage) -> dict[str, Any]:
    return await _over_tls(stage, "http/1.1")


async def an_open_http2_connection_of_another_name(stage: Stage) -> dict[str, Any]:
    return await _over_tls(stage, "h2")


async def _over_tls(stage: Stage, protocol: str) -> dict[str, Any]:
    authority = trustme.CA()
    await stage.web.listen(443, _context(authority, [protocol]))
    with TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        stage.downloader = stage.new_downloader(ca_file=str(ca_file))
        return await _ask_all(stage, "https")


async def _ask_all(stage: Stage, scheme: str) -> dict[str, Any]:
    dns.KEPT_SECONDS = 0.0
    stage.names.set_answers("first.test", at(PUBLIC))
    stage.names.set_answers("second.test", at(PUBLIC), at(INTERNAL))
    stage.names.set_answers("inside.test", at(INTERNAL))
    hosts = ("first.test", "first.test", "inside.test", "second.test", "second.test", "first.test")
    told = [(host, await stage.fetch(f"{scheme}://{host}/{number}")) for number, host in enumerate(hosts)]
    return {"told": told, "asked": stage.web.asked}
