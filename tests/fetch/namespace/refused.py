"""Scenes in which a host is, or leads to, an address that is not to be dialled."""

import logging
import time
from dataclasses import asdict
from typing import Any

from retailpulse.fetch.target import dns
from tests.fetch.namespace.nameserver import Says, at
from tests.fetch.namespace.stage import Stage
from tests.fetch.namespace.world import (
    INTERNAL,
    INTERNAL_V6,
    LINK_LOCAL,
    METADATA,
    PUBLIC,
    PUBLIC_V6,
    TRANSLATED,
)

INTERNAL_ADDRESSES = (
    "127.0.0.1",
    INTERNAL,
    METADATA,
    "0.0.0.0",
    "::1",
    "::",
    INTERNAL_V6,
    LINK_LOCAL,
    TRANSLATED,
    f"::ffff:{INTERNAL}",
    f"::{INTERNAL}",
)
REDIRECTS = (
    "http://intranet.test/",
    "http://alias.test/",
    "//10.1.2.3/",
    "http://167838211/",
    "http://0xa.0x1.0x2.0x3/",
    "http://0xA010203/",
    "http://012.01.02.03/",
    "http://012.66051/",
    "http://10.1.515./",
    "http://1%30.1.2.3/",
    "http://１０.1.2.3/",
    "http://10。1。2。3/",
    "http://127.1/",
    "http://0/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST%2e/",
    "http://localhost../",
    "http://./",
    "http://[::1]/",
    "http://[::1%25lo]/",
    "http://[fe80::1%25lo]/",
    "http://[fe80::1%lo]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[::ffff:10.1.2.3]/",
    "http://[::ffff:a01:203]/",
    "http://[64:ff9b::a01:203]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://public.test@10.1.2.3/",
    "http://10.1.2.3\\@public.test/",
    "http://10.1.2.3#@public.test/",
)


async def a_name_with_public_and_internal_addresses(stage: Stage) -> dict[str, Any]:
    stage.names.set_answers("public-first.test", at(PUBLIC, INTERNAL))
    stage.names.set_answers("internal-first.test", at(INTERNAL, METADATA, PUBLIC))
    stage.names.set_answers("internal-four.test", at(INTERNAL, PUBLIC_V6))
    stage.names.set_answers("internal-six.test", at(INTERNAL_V6, "::1", PUBLIC))
    hosts = ("public-first", "internal-first", "internal-four", "internal-six")
    return {host: await stage.fetch(f"http://{host}.test/{host}") for host in hosts}


async def a_name_with_a_dead_public_and_a_living_internal_address(stage: Stage) -> dict[str, Any]:
    stage.names.set_answers("half-dead.test", at("93.184.216.99", INTERNAL))
    return {"half-dead": await stage.fetch("http://half-dead.test/")}


async def names_with_internal_addresses_alone(stage: Stage) -> dict[str, Any]:
    told = {}
    for number, address in enumerate(INTERNAL_ADDRESSES):
        stage.names.set_answers(f"in{number}.test", at(address))
        stage.names.set_answers(f"alias{number}.test", Says(alias=f"in{number}.test"))
        told[address] = await stage.fetch(f"http://in{number}.test/")
        told[f"alias of {address}"] = await stage.fetch(f"http://alias{number}.test/")
    return told


async def redirects_to_the_inside(stage: Stage) -> dict[str, Any]:
    stage.names.set_answers("public.test", at(PUBLIC))
    stage.names.set_answers("intranet.test", at(INTERNAL))
    stage.names.set_answers("alias.test", Says(alias="intranet.test"))
    return {where: await stage.fetch(f"http://public.test/to?{where}") for where in REDIRECTS}


async def names_that_are_hidden(stage: Stage) -> dict[str, Any]:
    """Names inside and such as do not exist, asked for quickly and slowly, also behind a redirect."""
    logging.getLogger("retailpulse").addHandler(logging.NullHandler())
    dns.EVEN_SECONDS = 0.25
    downloader = stage.new_downloader(hide_internal_names=True)
    stage.names.set_answers("public.test", at(PUBLIC))
    stage.names.set_answers("intranet.test", at(INTERNAL, METADATA))
    stage.names.set_answers("behind.test", at(INTERNAL))
    stage.names.set_answers("alias.test", Says(alias="intranet.test"))
    stage.names.set_answers("slow.test", Says(addresses=(INTERNAL,), after_seconds=0.3))
    stage.names.set_answers("no-data.test", Says())
    told = {}
    for url in (
        "http://intranet.test/",
        "http://alias.test/",
        "http://missing.test/",
        "http://no-data.test/",
        "http://public.test/to?http://behind.test/",
        "http://public.test/to?http://nowhere.test/",
        "http://slow.test/",
        "http://10.1.2.3/",
    ):
        began_at = time.monotonic()
        one = await stage.fetch(url, downloader)
        told[url] = {**asdict(one), "moments": (time.monotonic() - began_at) // dns.EVEN_SECONDS}
    dns.EVEN_SECONDS = 3_600.0  # what failed just now fails at once
    for host in ("intranet", "missing"):
        told[host] = {**asdict(await stage.fetch(f"http://{host}.test./", downloader)), "moments": 1}
    await downloader.aclose()
    return told
