"""Scenes in which names are asked for: how often, how many at once, and what comes of a bad answer."""

import asyncio
from typing import Any

from retailpulse.fetch.target import dns
from tests.fetch.namespace.nameserver import (
    NO_SUCH_NAME,
    REFUSED,
    SERVER_FAILURE,
    Says,
    at,
)
from tests.fetch.namespace.stage import Stage
from tests.fetch.namespace.world import PUBLIC, PUBLIC_V6

_TICK_SECONDS = 0.01


async def many_images_of_one_name(stage: Stage) -> dict[str, Any]:
    stage.names.set_answers("shop.test", Says(addresses=(PUBLIC, PUBLIC_V6), after_seconds=0.05))
    asked = []
    for kept_seconds in (60.0, 0.0, 0.0):
        dns.KEPT_SECONDS = kept_seconds  # of what is learnt from now on
        told = await asyncio.gather(*(stage.fetch(f"http://shop.test/{number}") for number in range(500)))
        assert {one.outcome for one in told} == {"fetched"}, told
        asked.append(stage.names.times("shop.test"))
    return {"asked": asked}


async def one_name_again_after_its_time(stage: Stage) -> dict[str, Any]:
    dns.KEPT_SECONDS = 0.3
    stage.names.set_answers("shop.test", at(PUBLIC))
    asked = []
    while stage.names.times("shop.test") < 3:
        await stage.fetch("http://shop.test/")
        asked.append(stage.names.times("shop.test"))
    return {"asked": asked}


async def names_that_do_not_exist(stage: Stage) -> dict[str, Any]:
    stage.names.set_answers("no-data.test", Says())
    stage.names.set_answers("alias.test", Says(alias="no-data.test"))
    long_label = f"{'a' * 64}.test"
    hosts = ("missing.test", "no-data.test", "alias.test", long_label, "a..test", ".test", "-.test")
    told = {host: await stage.fetch(f"http://{host}/") for host in hosts}
    return {"told": told, "asked": stage.names.asked}


async def many_images_of_a_name_that_does_not_exist(stage: Stage) -> dict[str, Any]:
    told = await asyncio.gather(*(stage.fetch(f"http://missing.test/{number}") for number in range(100)))
    return {"told": told, "asked": stage.names.times("missing.test")}


async def a_resolver_that_fails(stage: Stage) -> dict[str, Any]:
    failing = Says(code=SERVER_FAILURE)
    stage.names.set_answers("once.test", failing, at(PUBLIC))
    stage.names.set_answers("always.test", failing)
    stage.names.set_answers("refused.test", Says(code=REFUSED))
    stage.names.set_answers("returns.test", Says(code=NO_SUCH_NAME), at(PUBLIC))
    hosts = ("once", "always", "refused", "returns")
    told = {host: await stage.fetch(f"http://{host}.test/") for host in hosts}
    return {"told": told, "asked": stage.names.asked}


async def a_name_that_nobody_answers_for(stage: Stage) -> dict[str, Any]:
    """Its fetch, the ticks of the loop and the fetches of a good host, in the order in which they ended."""
    stage.names.set_answers("silent.test", Says(is_silent=True))
    stage.names.set_answers("good.test", at(PUBLIC))
    order = []

    async def go_on() -> None:
        while "silent" not in order:
            await asyncio.sleep(_TICK_SECONDS)
            order.append("tick")
            order.append((await stage.fetch(f"http://good.test/{len(order)}")).outcome)

    going_on = asyncio.create_task(go_on())
    silent = await stage.fetch("http://silent.test/")
    order.append("silent")
    await going_on
    return {"silent": silent, "order": order, "asked": stage.names.asked}


async def two_hundred_slow_names(stage: Stage) -> dict[str, Any]:
    hosts = [f"slow{number}.test" for number in range(200)]
    for host in hosts:
        stage.names.set_answers(host, Says(addresses=(PUBLIC,), after_seconds=0.05))
    told = await asyncio.gather(*(stage.fetch(f"http://{host}/") for host in hosts))
    return {"outcomes": sorted({one.outcome for one in told}), "at_once": stage.names.most_at_once}


async def more_silent_names_than_threads(stage: Stage) -> dict[str, Any]:
    """A good name that is asked for after so many silent ones that its turn comes late."""
    dns.RESOLVE_SECONDS = 1.5  # a look-up of a silent name takes one second
    hosts = [f"silent{number}.test" for number in range(dns.LOOKUPS_AT_ONCE * 3)]
    for host in hosts:
        stage.names.set_answers(host, Says(is_silent=True))
    stage.names.set_answers("good.test", at(PUBLIC))
    silent = [asyncio.create_task(stage.fetch(f"http://{host}/")) for host in hosts]
    await asyncio.sleep(0)  # each of them begins
    good = await stage.fetch("http://good.test/")
    for fetching in silent:
        fetching.cancel()
    return {"good": good}
