"""The command `calibrate`: how photos of jobs are distributed, and what thresholds would flag among them."""

from collections.abc import Iterator, Sequence

import msgspec
import rich_click as click

from retailpulse.cli.calibration import DIALS, Calibrated, Distribution, Example, Judged
from retailpulse.cli.commands.server import load_settings
from retailpulse.cli.connection import with_client
from retailpulse.cli.output import json_option
from retailpulse.cli.progress import shown_count
from retailpulse.cli.terminal import echo, echo_json
from retailpulse.client import Client, Result

_BAR = 40
_TOLD_EVERY = 500


@click.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True)
@click.option(
    "--number",
    "names",
    type=click.Choice([dial.name for dial in DIALS]),
    multiple=True,
    help="Only this number of photos; may be repeated.",
)
@json_option
@with_client
def calibrate(client: Client, job_ids: tuple[str, ...], names: tuple[str, ...], as_json: bool) -> None:
    """Print how sharp, bright and full the photos of jobs are, and what each threshold would flag.

    For each number of a photo: its deciles, a histogram, the lowest and the highest photos; and for each
    setting that it is held against how many photos that flags, at its value and at others around it, with
    the photos next to it on both sides, to be looked at. Settings are read as `retailpulse config` reads
    them, so call it where the workers run. Nothing is changed.

    \b
    Examples:
      retailpulse calibrate 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse calibrate 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --number sharpness
      RETAILPULSE_MEASURE_SOFT_BELOW=0.5 retailpulse calibrate 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse calibrate 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --json | jq '.numbers[0].deciles'
    """
    settings = load_settings()
    found = [Distribution(dial, settings) for dial in DIALS if not names or dial.name in names]
    jobs = list(dict.fromkeys(job_ids))
    measured = sum(client.job(job_id).images.measured for job_id in jobs)
    with shown_count("Reading results", measured) as advance:
        for number, (job_id, row) in enumerate(_measured(client, jobs), 1):
            for distribution in found:
                distribution.add(row, job_id)
            if number % _TOLD_EVERY == 0:
                advance(_TOLD_EVERY)
    numbers = [distribution.result() for distribution in found]
    if as_json:
        shown = {"jobs": jobs, "measured": measured, "numbers": numbers}
        echo_json(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    for calibrated in numbers:
        for line in _lines(calibrated):
            echo(line)


def _measured(client: Client, job_ids: Sequence[str]) -> Iterator[tuple[str, Result]]:
    for job_id in job_ids:
        for row in client.results(job_id, outcome="measured"):
            yield job_id, row


def _lines(number: Calibrated) -> Iterator[str]:
    yield f"{number.name} of {number.photos:,} photos"
    if number.photos:
        yield f"  deciles  {'  '.join(f'{value:g}' for value in number.deciles)}"
        most = max(part.photos for part in number.histogram)
        for part in number.histogram:
            bar = "#" * -(-part.photos * _BAR // most)
            yield f"  {part.low:>8g} - {part.high:<8g} {part.photos:>9,}  {bar}".rstrip()
        yield from _examples("lowest", number.lowest)
        yield from _examples("highest", number.highest)
        for threshold in number.thresholds:
            yield from _threshold_lines(threshold)
    yield ""


def _threshold_lines(judged: Judged) -> Iterator[str]:
    side, change = ("below", "higher") if judged.is_below else ("above", "lower")
    yield f"  {judged.setting} = {judged.value:g}  flags {judged.flag} {side} it; a {change} value flags more"
    for effect in judged.effects:
        mark = "*" if effect.at == judged.value else " "
        yield f"  {mark} {effect.at:>8g} {effect.photos:>9,}  {effect.share:.2%}"
    yield from _examples(f"just {judged.flag}", judged.just_flagged)
    yield from _examples(f"just not {judged.flag}", judged.just_not_flagged)


def _examples(title: str, examples: Sequence[Example]) -> Iterator[str]:
    if examples:
        yield f"  {title}"
    for example in examples:
        image = f"job {example.job_id}, image {example.image_no}, {example.store_id}"
        yield f"    {example.value:>8g}  {image}  {example.image_url}"
