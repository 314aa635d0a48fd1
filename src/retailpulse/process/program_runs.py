"""Runs a program of a profiler to its end, or ends it."""

import asyncio

from retailpulse.domain.errors import NotProfiled


async def run_program(*command: str, seconds: float, too_slow: str) -> tuple[int, str]:
    """Its exit code and all that it has said; raises NotProfiled with `too_slow` if it takes longer."""
    running = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await running.communicate()
    except TimeoutError:
        raise NotProfiled(too_slow) from None
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    return running.returncode or 0, said.decode(errors="replace")
