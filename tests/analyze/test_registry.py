"""The registry of analyzers: what a setting names, in which order, and what each description must keep to."""

import pytest

from retailpulse.analyze import Analyzer, registry, select
from retailpulse.analyze.analyzer import MAX_ANALYZERS
from retailpulse.config.loading import load
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.errors import ConfigError
from tests.measure.process_pool.analyzers import ALL, BRIGHTNESS, OBEY

MAX_NAME = 32


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> tuple[Analyzer, ...]:
    monkeypatch.setattr(registry, "ALL", ALL)
    return ALL


def test_the_descriptions_keep_to_what_an_answer_can_carry() -> None:
    names = [analyzer.name for analyzer in registry.ALL]
    assert len(set(names)) == len(names) <= MAX_ANALYZERS
    assert all(name.isidentifier() and len(name) <= MAX_NAME and name != "all" for name in names)
    assert all(analyzer.version >= 1 for analyzer in registry.ALL)


def test_there_is_an_analyzer_of_damage() -> None:
    assert [analyzer.name for analyzer in select("damage")] == ["damage"]


def test_a_setting_names_analyzers_in_any_order_and_they_run_in_ours(several: tuple[Analyzer, ...]) -> None:
    assert select("all") == select(" all ") == several
    assert select("brightness, obey") == select("obey,brightness,") == (OBEY, BRIGHTNESS)
    assert select("") == select(" , ") == ()


@pytest.mark.parametrize("names", ["colour", "damage,colour", "all,damage", "Damage"])
def test_a_name_that_is_none_is_refused_with_those_that_there_are(names: str) -> None:
    with pytest.raises(
        ConfigError, match=r"RETAILPULSE_MEASURE_ANALYZERS: there is no .* there are .*, or all"
    ):
        select(names)


def test_a_library_that_an_analyzer_misses_keeps_nobody_from_starting() -> None:
    loaded = []

    def missing() -> None:
        raise ImportError("no such library")

    first = Analyzer(name="first", version=1, facts=Analysis, analyze=OBEY.analyze, load=missing)
    second = Analyzer(
        name="second", version=1, facts=Analysis, analyze=OBEY.analyze, load=lambda: loaded.append("second")
    )
    registry.load([first, second])
    assert loaded == ["second"]


def test_the_setting_names_every_analyzer() -> None:
    (setting,) = (one for one in load(environ={}).listed() if one.variable == "RETAILPULSE_MEASURE_ANALYZERS")
    assert f"({', '.join(analyzer.name for analyzer in registry.ALL)})" in setting.meaning
