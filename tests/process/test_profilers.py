"""What profilers say where they are not installed; a process is itself again after its memory was traced."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from retailpulse.domain.errors import NotProfiled
from retailpulse.process.memory_profiler import trace_memory
from retailpulse.process.profiler import record


async def test_a_missing_sampler_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotProfiled, match="py-spy is missing: pip install"):
        await record(os.getpid(), 1, ".svg")


async def test_a_missing_tracer_of_memory_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "memray", None)
    with pytest.raises(NotProfiled, match="memray is missing: pip install"):
        await trace_memory(1)


async def _allocate(kept: list[bytearray]) -> None:
    while True:
        kept.append(bytearray(100_000))
        await asyncio.sleep(0.01)


async def test_memory_can_be_traced_again_and_leaves_nothing_in_the_process() -> None:
    allocating = asyncio.create_task(_allocate([]))
    try:
        for _ in range(2):
            assert b"_allocate" in await trace_memory(1)
            assert sys.getprofile() is None
    finally:
        allocating.cancel()
