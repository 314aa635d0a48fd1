"""What this process allocates for some seconds, by the functions that ask for it, native code included.

memray counts from inside: it is loaded only when somebody looks. Weak: functions of Python take longer
meanwhile; of decoders, which are processes of their own, nothing is seen.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from retailpulse.domain.errors import NotProfiled

DRAW_SECONDS = 60.0
"""How long the picture may take."""
MISSING = "memray is missing: pip install 'retailpulse[profile]'"


async def trace_memory(seconds: int) -> bytes:
    """The flame graph, an HTML page, of what is allocated in the next seconds and not freed at the peak.

    It needs nothing of the internet, and holds no line of source code. Raises NotProfiled.
    """
    with tempfile.TemporaryDirectory(prefix="retailpulse-profile-") as folder:
        traced, drawn = Path(folder) / "traced", Path(folder) / "drawn.html"
        await _trace(traced, seconds)
        await _draw(traced, drawn)
        return await asyncio.to_thread(drawn.read_bytes)


async def _trace(file: Path, seconds: int) -> None:
    """Counts in the thread of the event loop, which the tracer must begin and end in."""
    try:
        memray = await asyncio.to_thread(__import__, "memray")
    except ImportError:
        raise NotProfiled(MISSING) from None
    aggregated = memray.FileFormat.AGGREGATED_ALLOCATIONS
    try:
        tracer = memray.Tracker(file, native_traces=True, file_format=aggregated)
        with tracer:
            await asyncio.sleep(seconds)
    except (OSError, RuntimeError) as error:
        raise NotProfiled(f"the memory of this process cannot be traced: {error}") from None


async def _draw(traced: Path, drawn: Path) -> None:
    options = ("flamegraph", "--no-web", "--confidential-files", "all", "--output", str(drawn), str(traced))
    drawing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "memray", *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(DRAW_SECONDS):
            _, said = await drawing.communicate()
    except TimeoutError:
        raise NotProfiled(f"the picture took longer than {DRAW_SECONDS:g} s") from None
    finally:
        if drawing.returncode is None:
            drawing.kill()
            await drawing.wait()
    if drawing.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["no reason was given"]
        raise NotProfiled(f"memray drew no picture: {lines[-1]}")
