"""All analyzers, in the order in which they run, and which of them a setting names.

A new analyzer is a module of this package and a line in ALL.
"""

from collections.abc import Sequence
from contextlib import suppress

from retailpulse.analyze import capture, damage, exposure, fingerprint, sharpness
from retailpulse.analyze.analyzer import Analyzer
from retailpulse.domain.errors import ConfigError

ALL: tuple[Analyzer, ...] = (
    damage.ANALYZER,
    sharpness.ANALYZER,
    exposure.ANALYZER,
    capture.ANALYZER,
    fingerprint.ANALYZER,
)


def select(names: str) -> tuple[Analyzer, ...]:
    """The analyzers that a setting names, in the order of ALL; raises ConfigError for an unknown name.

    `all` means all of them; otherwise names with commas between them, or nothing for none.
    """
    if names.strip() == "all":
        return ALL
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := wanted - {analyzer.name for analyzer in ALL}:
        raise ConfigError(
            f"RETAILPULSE_MEASURE_ANALYZERS: there is no analyzer {min(unknown)!r}; there are "
            f"{', '.join(analyzer.name for analyzer in ALL)}, or all"
        )
    return tuple(analyzer for analyzer in ALL if analyzer.name in wanted)


def load(analyzers: Sequence[Analyzer]) -> None:
    """Import what analyzers need; one whose library is missing raises at each picture, and has no facts."""
    for analyzer in analyzers:
        with suppress(ImportError):
            analyzer.load()
