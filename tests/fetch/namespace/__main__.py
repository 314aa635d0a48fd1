"""Plays one scene in the namespace it was started in, and prints what was seen: one line of JSON."""

import asyncio
import os
import sys
from inspect import getmembers, iscoroutinefunction
from types import ModuleType

from tests.fetch.namespace import rebinding, refused, reuse, scenarios, world
from tests.fetch.namespace.nameserver import Nameserver
from tests.fetch.namespace.stage import Stage
from tests.fetch.namespace.web import Web

_ROOMS: tuple[ModuleType, ...] = (scenarios, rebinding, refused, reuse)


async def _play(name: str) -> None:
    scenes = {scene: play for room in _ROOMS for scene, play in getmembers(room, iscoroutinefunction)}
    web = Web()
    await web.listen(80)
    stage = Stage(await Nameserver.start(), web)
    report = stage.report(await scenes[name](stage))
    await stage.downloader.aclose()
    print(report, flush=True)
    os._exit(0)  # the servers end with the world, and threads may still wait for a silent resolver


if __name__ == "__main__":
    world.build()
    asyncio.run(_play(sys.argv[1]))
