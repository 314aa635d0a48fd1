"""Scenes in which a name is public when it is checked and internal when it is asked for again."""

import asyncio
from typing import Any
from unittest.mock import patch

import pycurl

from retailpulse.config.settings import FetchSettings
from retailpulse.fetch.http import exchange
from retailpulse.fetch.http.curl_handles import new_handle
from retailpulse.fetch.target import dns
from tests.fetch.namespace.nameserver import at
from tests.fetch.namespace.stage import FETCHED, Stage
from tests.fetch.namespace.world import INTERNAL, OTHER_PUBLIC, PUBLIC

PATHS = (
    "/one",
    "/two",
    "/close-1",
    "/after-close",
    "/reset-once",
    "/to?http://rebind.test/three",
    "/to?/four",
)


async def a_name_that_moves_inside_after_the_first_question(stage: Stage) -> dict[str, Any]:
    stage.names.set_answers("rebind.test", at(PUBLIC), at(INTERNAL))
    told = {path: await stage.fetch(f"http://rebind.test{path}") for path in PATHS}
    return {"told": told, "asked": stage.names.times("rebind.test")}


async def a_name_that_moves_inside_once_it_is_forgotten(stage: Stage) -> dict[str, Any]:
    """The connection to the first address stays open, and could be used again."""
    dns.KEPT_SECONDS = 0.0
    stage.names.set_answers("rebind.test", at(PUBLIC), at(OTHER_PUBLIC), at(INTERNAL))
    told = [await stage.fetch(f"http://rebind.test/{number}") for number in range(4)]
    return {"told": told, "asked": stage.names.times("rebind.test")}


async def a_name_that_moves_inside_between_two_tries(stage: Stage) -> dict[str, Any]:
    dns.KEPT_SECONDS = 0.0
    stage.names.set_answers("reset.test", at(PUBLIC), at(INTERNAL))
    stage.names.set_answers("hop.test", at(PUBLIC), at(INTERNAL))
    return {
        "reset": await stage.fetch("http://reset.test/reset-once"),
        "hop": await stage.fetch("http://hop.test/to?http://hop.test/"),
    }


async def a_name_that_moves_inside_when_its_time_is_over(stage: Stage) -> dict[str, Any]:
    dns.KEPT_SECONDS = 0.3
    stage.names.set_answers("rebind.test", at(PUBLIC), at(INTERNAL))
    told = [await stage.fetch("http://rebind.test/")]
    while told[-1].outcome == FETCHED:
        await asyncio.sleep(0.01)  # not to flood the witness
        told.append(await stage.fetch("http://rebind.test/"))
    return {"first": told[0], "last": told[-1], "asked": stage.names.times("rebind.test")}


async def a_name_that_flips_with_every_question(stage: Stage) -> dict[str, Any]:
    """Many at once, each perhaps with another answer, and handles that are used for all of them."""
    dns.KEPT_SECONDS = 0.0
    flips = [at(address) for _ in range(10) for address in (PUBLIC, INTERNAL)]
    stage.names.set_answers("flip.test", *flips)
    told = [await stage.fetch(f"http://flip.test/close-{number}") for number in range(len(flips))]
    return {"outcomes": [one.outcome for one in told]}


async def a_name_whose_address_is_found_again(stage: Stage) -> dict[str, Any]:
    """It is kept here as long as in libcurl, whose time is made as short; each fetch makes a connection."""
    dns.KEPT_SECONDS = 1.0

    def forgetful(settings: FetchSettings) -> pycurl.Curl:
        handle = new_handle(settings)
        handle.setopt(pycurl.DNS_CACHE_TIMEOUT, 1)
        return handle

    patch.object(exchange, "new_handle", forgetful).start()
    stage.names.set_answers("stays.test", at(PUBLIC), at(PUBLIC), at(INTERNAL))
    told = []
    while stage.names.asked["stays.test A"] < 2:
        told.append(await stage.fetch("http://stays.test/close"))
        await asyncio.sleep(0.05)
    return {"outcomes": [one.outcome for one in told], "asked": stage.names.times("stays.test")}
