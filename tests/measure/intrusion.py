"""Runs every attempt of the `intruder` in decoders and prints what came of each, as JSON.

`python -m tests.measure.intrusion MODE FOLDER`: in a process of its own, so that it can be another user's, or
one whose kernel lacks something: `--without landlock` or `--without seccomp` takes it away first.
"""

import argparse
import asyncio
import ctypes
import errno
import json
import logging
import os
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from retailpulse.config.settings import MeasureSettings, Sandbox
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth
from retailpulse.measure import DecoderPool, measure_body
from retailpulse.measure.process_pool.sandbox import missing
from retailpulse.measure.process_pool.sandbox.calls import architecture, call
from tests.measure import intruder
from tests.measure.pictures import FLAVOURS, LIMIT, jpeg_segment

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
PHOTO = FLAVOURS["jpeg baseline"].body


def noted(attempt: str) -> bytes:
    """A photo with a note for the intruder."""
    return PHOTO[:2] + jpeg_segment(0xFE, b"try %s now" % attempt.encode()) + PHOTO[2:]


def without_kernel_part(part: str) -> None:
    """Make this process, and all that it starts, live on a kernel without a part: its calls do not exist."""
    names = {"landlock": ("landlock_create_ruleset", "landlock_restrict_self"), "seccomp": ("seccomp",)}[part]
    numbers = architecture().numbers
    code = [(0x20, 0, 0, 0)]  # in BPF: load the number of the call, compare, return
    for name in names:
        code += [(0x15, 0, 1, numbers[name]), (0x06, 0, 0, 0x00050000 | errno.ENOSYS)]
    code.append((0x06, 0, 0, 0x7FFF0000))
    held = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    pointer = struct.pack("@HP", len(code), ctypes.addressof(held))
    call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, pointer, 0, 0)


@asynccontextmanager
async def intruded(mode: Sandbox, folder: Path) -> AsyncIterator[DecoderPool]:
    shutil.copy(intruder.__file__, folder / "simplejpeg.py")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    os.environ["RETAILPULSE_DATABASE_URL"] = "postgresql://secret"
    decoders = DecoderPool(MeasureSettings(sandbox=mode, max_pixels=LIMIT))
    yield decoders
    await decoders.aclose()


async def try_all(decoders: DecoderPool) -> AsyncIterator[tuple[str, str]]:
    """Each attempt and what came of it; one that ended its decoder says how."""
    for attempt in intruder.ATTEMPTS:
        try:
            yield (
                attempt,
                (await decoders.measure(noted(attempt), Depth.DECODE)).suspect or "nothing was said",
            )
        except ImageError as error:
            yield attempt, str(error)


async def wrong_measurements(decoders: DecoderPool) -> list[str]:
    """The flavours and depths that are not measured as without any process."""
    found = []
    for name, flavour in FLAVOURS.items():
        for depth in Depth:
            if await decoders.measure(flavour.body, depth) != measure_body(flavour.body, depth, LIMIT):
                found.append(f"{name} at {depth}")
    return found


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", type=Sandbox)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", choices=("landlock", "seccomp"))
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    if arguments.without:
        without_kernel_part(arguments.without)
    async with intruded(arguments.mode, arguments.folder) as decoders:
        wrong = await wrong_measurements(decoders)
        tried = {attempt: text async for attempt, text in try_all(decoders)}
    print(json.dumps({"tried": tried, "wrong": wrong, "missing": missing()}))


if __name__ == "__main__":
    asyncio.run(main())
