"""What this process allocates for some seconds, by the functions that ask for it, native code included.

memray counts from inside: it is loaded only when somebody looks. Weak: functions of Python take longer
meanwhile; of decoders, which are processes of their own, nothing is seen.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from retailpulse.domain.errors import NotProfiled
from retailpulse.process.program_runs import run_program

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
    command = (sys.executable, "-m", "memray", *options)
    too_slow = f"the picture took longer than {DRAW_SECONDS:g} s"
    code, said = await run_program(*command, seconds=DRAW_SECONDS, too_slow=too_slow)
    if code:
        lines = said.strip().splitlines() or ["no reason was given"]
        raise NotProfiled(f"memray drew no picture: {lines[-1]}")
