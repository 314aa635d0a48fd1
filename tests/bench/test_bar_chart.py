"""The bar of a case: as long as the cores had, each kind as long as it took."""

from bench.bar_chart import BAR_COLUMNS, draw_bars
from bench.case_runner import Measured, ServiceRun
from bench.cases import CASES


def run(images_per_second: float, **cpu_us: float) -> ServiceRun:
    kinds = dict.fromkeys(("api", "worker", "decoder", "postgres", "origin"), 0.0)
    return ServiceRun(
        images=100,
        seconds=100 / images_per_second,
        images_per_second=images_per_second,
        cpu_us_per_image=kinds | cpu_us,
        bytes_per_image=None,
        peak_pss_bytes=0,
        our_share=1.0,
        others_share=0.0,
    )


def test_each_kind_is_drawn_as_long_as_it_took() -> None:
    case = Measured(case=CASES[0], fetch_tool="wrk", service=[run(10_000, worker=100.0, postgres=50.0)])
    _, line = draw_bars([case], cores=2)
    assert line.startswith("header 10kB")
    assert line.count("█") == BAR_COLUMNS // 2
    assert line.count("▒") == BAR_COLUMNS // 4
    assert line.count(".") == BAR_COLUMNS // 4
    assert line.endswith(" 200 us")


def test_more_than_the_cores_have_is_cut_off() -> None:
    case = Measured(case=CASES[0], fetch_tool="wrk", service=[run(10_000, worker=500.0)])
    assert draw_bars([case], cores=2)[1].count("█") == BAR_COLUMNS


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_bars([], cores=2) == []
