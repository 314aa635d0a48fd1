"""Code that has taken a decoder over: what it tries is refused, by each part of the sandbox for itself.

Weak: that the lists of system calls allow enough is shown for this machine's C library alone.
"""

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retailpulse.config.settings import MeasureSettings, Sandbox
from retailpulse.domain.images import Depth
from retailpulse.measure import DecoderPool
from retailpulse.measure.process_pool.sandbox import landlock, missing, seccomp
from retailpulse.measure.process_pool.sandbox.calls import ARCHITECTURES, Architecture
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.measure.intruder import ATTEMPTS, BESIDE
from tests.measure.intrusion import PHOTO
from tests.measure.watching import alive
from tests.running import clean_environment
from tests.storage.servers import folder

__all__ = ["folder"]

REFUSALS = ("refused: Operation not permitted", "refused: Permission denied", "refused: connection is bad")
OF_FILES = {
    "read_a_file",
    "list_a_folder",
    "write_a_file",
    "spawn",
    "exec",
    "read_the_memory_of_the_parent",
    "read_the_environment_of_the_parent",
    "read_the_environment_of_the_worker",
}
OF_THE_PARENT = {"trace_the_parent", "read_the_memory_of_the_parent_by_call"}
OF_SIGNALS = {"signal_the_parent", "signal_the_worker"}
OF_THE_MACHINE = {"make_a_ring_of_calls", "enter_a_namespace"}
"""What machines may forbid to everybody."""

pytestmark = pytest.mark.skipif(
    {"landlock", "seccomp"} <= set(missing()), reason="this kernel has neither Landlock nor seccomp"
)
complete = pytest.mark.skipif(bool(missing()), reason=f"this kernel has no {', '.join(missing())}")


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that this user can reach."""
    server = EmbeddedServer(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server.url()
    server.stop()


def python_for(user: str | None) -> str:
    """A Python of this version that a user may run; skips where there is none."""
    if user is None:
        return sys.executable
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    try:
        for name in (sys.executable, "/usr/bin/python3"):
            if run(name, user, "-c", "import sys, tests.measure.intrusion; print(sys.version_info[1])") == [
                str(sys.version_info[1])
            ]:
                return name
    except KeyError:
        pytest.skip(f"no user `{user}`")
    pytest.skip("no Python of this version that the user `nobody` may run")


def run(python: str, user: str | None, *arguments: str) -> list[str]:
    """The lines that Python prints, errors included."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    as_whom: dict[str, Any] = {"user": user, "extra_groups": []} if user else {}
    try:
        done = subprocess.run(
            [python, *arguments],
            env=clean_environment() | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **as_whom,
        )
    except PermissionError:
        return []
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def intrude(
    folder: Path, mode: Sandbox, *, url: str = "", user: str | None = None, without: str | None = None
) -> tuple[dict[str, str], list[str]]:
    """What came of every attempt; and what was logged. Measures all flavours at all depths beside."""
    python = python_for(user)
    (folder / "postgresql").write_text(url)
    if user is not None:
        shutil.chown(folder, user)
    taken = ["--without", without] if without else []
    told, *logged = run(python, user, "-m", "tests.measure.intrusion", mode, str(folder), *taken)
    assert told.startswith("{"), [told, *logged]
    found = json.loads(told)
    assert found["wrong"] == []
    assert found["missing"] == ([without] if without else list(missing()))
    tried = found["tried"]
    assert tried.pop("environment") == "worked: {}"
    assert tried.pop("environment_of_c") == "worked: []"
    if mode is not Sandbox.OFF and without != "seccomp":
        assert len(json.loads(tried["descriptors"].removeprefix("worked: "))) == 3, (
            "channel, stderr and ring_buffer"
        )
        assert not (folder / "written").exists()
    return {name: text for name, text in tried.items() if name not in BESIDE}, logged


def worked(tried: dict[str, str]) -> set[str]:
    """What was not refused: an exec ends without an answer, a port may have no listener."""
    return {name for name, text in tried.items() if not text.startswith(REFUSALS)}


# What is tried


@complete
@pytest.mark.parametrize("user", [None, "nobody"])
def test_code_in_a_decoder_can_do_nothing_but_decode(folder: Path, postgresql: str, user: str | None) -> None:
    tried, logged = intrude(folder, Sandbox.REQUIRED, url=postgresql, user=user)
    assert worked(tried) == set()
    assert len(tried) == len(ATTEMPTS) - len(BESIDE)
    assert logged == []


@pytest.mark.parametrize("user", [None, "nobody"])
def test_without_a_sandbox_all_of_it_can_be_done(folder: Path, postgresql: str, user: str | None) -> None:
    tried, _ = intrude(folder, Sandbox.OFF, url=postgresql, user=user)
    barred = set(OF_THE_MACHINE)
    if _yama_guards_parents():
        barred |= {*OF_THE_PARENT, "read_the_memory_of_the_parent"}
    if user is not None:
        barred.add("connect_to_postgresql")  # it is another user's
    assert worked(tried) | barred >= set(tried)


@complete
def test_without_landlock_seccomp_refuses_all_of_it(folder: Path, postgresql: str) -> None:
    tried, logged = intrude(folder, Sandbox.AUTO, url=postgresql, without="landlock")
    assert worked(tried) == set()
    assert logged == ["decoders are confined without landlock, which this kernel does not give"]


@complete
def test_without_seccomp_landlock_guards_files_and_the_parent(folder: Path) -> None:
    tried, logged = intrude(folder, Sandbox.AUTO, without="seccomp")
    barred = OF_FILES | OF_THE_PARENT
    barred |= {"connect_by_tcp"} if landlock.version() >= landlock.TCP_SINCE else set()
    barred |= OF_SIGNALS if landlock.version() >= landlock.SCOPES_SINCE else set()
    assert worked(tried).isdisjoint(barred)
    assert logged == ["decoders are confined without seccomp, which this kernel does not give"]


@complete
@pytest.mark.parametrize("part", ["landlock", "seccomp"])
def test_a_sandbox_that_is_required_and_not_to_be_had_refuses_to_start(folder: Path, part: str) -> None:
    lines = run(
        sys.executable, None, "-m", "tests.measure.intrusion", "required", str(folder), "--without", part
    )
    assert (
        f"ConfigError: RETAILPULSE_MEASURE_SANDBOX is required, but here decoders cannot have {part}:"
        in (lines[-1])
    )


async def seen_from_outside(name: str) -> str:
    """A file of the kernel about a decoder."""
    decoders = DecoderPool(MeasureSettings())
    await decoders.measure(PHOTO, Depth.DECODE)
    (pid,) = alive()
    seen = await asyncio.to_thread(Path(f"/proc/{pid}/{name}").read_text)
    await decoders.aclose()
    return seen


async def test_the_memory_of_a_decoder_holds_no_secret_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETAILPULSE_DATABASE_URL", "postgresql://secret")
    assert "secret" not in await seen_from_outside("environ")


@complete
async def test_a_decoder_has_no_capability_and_no_way_to_gain_one() -> None:
    status = dict(line.split(":\t") for line in (await seen_from_outside("status")).splitlines())
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


def test_asking_what_is_missing_confines_nobody() -> None:
    def confined() -> list[str]:
        lines = Path("/proc/thread-self/status").read_text().splitlines()
        return [line for line in lines if line.startswith(("NoNewPrivs", "Seccomp", "CapEff"))]

    before = confined()
    missing.cache_clear()
    missing()
    assert confined() == before


# The filter


def judged(program: list[seccomp.Instruction], words: dict[int, int]) -> int:
    """What the filter says of a call, given the words of its struct seccomp_data: as the kernel runs it."""
    at, loaded = 0, 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        if code == 0x20:
            loaded = words.get(operand, 0)
        elif code == 0x15:
            at += yes if loaded == operand else no
        elif code == 0x45:
            at += yes if loaded & operand else no
        else:
            return operand


KILLED, ALLOWED, REFUSED, UNKNOWN = 0x80000000, 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
OPENAT = {"x86_64": 257, "aarch64": 56}
PID = 4321
THREAD = 0x3D0F00  # what glibc hands to clone


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize(
    ("name", "first", "third", "expected"),
    [
        ("read", 0, 0, ALLOWED),
        ("mmap", 0, 3, ALLOWED),
        ("mmap", 0, 7, REFUSED),
        ("mprotect", 0, 1, ALLOWED),
        ("mprotect", 0, 5, REFUSED),
        ("kill", PID, 0, ALLOWED),
        ("kill", PID + 1, 0, REFUSED),
        ("kill", 2**32 - 1, 0, REFUSED),
        ("tgkill", PID, 0, ALLOWED),
        ("tgkill", 1, 0, REFUSED),
        ("clone", THREAD, 0, ALLOWED),
        ("clone", 17, 0, REFUSED),  # a fork
        ("clone", THREAD | 0x20000, 0, REFUSED),  # with a namespace
        ("clone3", 0, 0, UNKNOWN),
        ("prctl", 0, 0, REFUSED),
        ("seccomp", 0, 0, REFUSED),
    ],
)
def test_the_filter_judges_alike_on_every_architecture(
    machine: str, name: str, first: int, third: int, expected: int
) -> None:
    of = ARCHITECTURES[machine]
    words = {0: of.numbers[name], 4: of.audit, 16: first, 32: third}
    assert judged(seccomp.program(of, PID), words) == expected


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_refuses_what_is_not_on_its_list(machine: str) -> None:
    of = ARCHITECTURES[machine]
    program = seccomp.program(of, PID)
    assert judged(program, {0: OPENAT[machine], 4: of.audit}) == REFUSED
    assert judged(program, {0: 100_000, 4: of.audit}) == REFUSED
    assert judged(program, {0: of.numbers["read"] | 0x40000000, 4: of.audit}) == REFUSED  # x32
    assert judged(program, {0: of.numbers["read"], 4: 0x40000003}) == KILLED  # i386


def test_no_number_of_an_architecture_stands_for_two_calls() -> None:
    of: Architecture
    for of in ARCHITECTURES.values():
        assert len(set(of.numbers.values())) == len(of.numbers)
    first, *others = ARCHITECTURES.values()
    assert all(other.numbers.keys() == first.numbers.keys() for other in others)


def _yama_guards_parents() -> bool:
    try:
        return Path("/proc/sys/kernel/yama/ptrace_scope").read_text().strip() != "0"
    except FileNotFoundError:
        return False
