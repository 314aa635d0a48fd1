"""How a command gives a short answer: as a sentence, or as JSON with the facts of it."""

import json
from typing import Any

import rich_click as click

from retailpulse.cli.terminal import echo, echo_json

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def answer(sentence: str, *, as_json: bool, **facts: Any) -> None:
    """Prints the sentence, or the facts as JSON."""
    if as_json:
        echo_json(json.dumps(facts, indent=2))
    else:
        echo(sentence)
