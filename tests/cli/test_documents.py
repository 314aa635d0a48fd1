"""docs/cli.md and the program say the same: every command and every option, and nothing that there is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import rich_click as click

from retailpulse.cli import HEADINGS, MODULES, group

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
CONNECTION = {"--url", "--api-key", "--patience"}
ALIASES = {"retailpulse jobs cancel", "retailpulse jobs retry"}
SECTIONS = {
    re.sub(r"( [A-Z\[|]+\]?| bash\|zsh\|fish)+$", "", title): body
    for title, body in re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
}


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that can be given, by its whole name."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")
    else:
        yield name, command


COMMANDS = dict(commands(group, "retailpulse"))


def options(command: click.Command) -> set[str]:
    """The options of a command that its help shows, by their long names."""
    shown = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    return {name for param in shown for name in (*param.opts, *param.secondary_opts) if name.startswith("--")}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert SECTIONS.keys() == COMMANDS.keys() - ALIASES
    assert all(f"`{alias} ID`" in TEXT for alias in ALIASES)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - ALIASES))
def test_every_option_stands_in_the_table_of_its_command(name: str) -> None:
    rows = re.findall(r"^\| (`-[^|]*) \|", SECTIONS[name], re.MULTILINE)
    as_click_error = {option for row in rows for option in re.findall(r"`(--[a-z-]+)`", row)}
    assert as_click_error == options(COMMANDS[name]) - CONNECTION


def test_what_all_client_commands_share_is_said_once() -> None:
    speaking = [command for command in COMMANDS.values() if "--url" in options(command)]
    assert len(speaking) > 12
    assert all(options(command) >= CONNECTION for command in speaking)
    assert all(f"| `{option}` |" in TEXT for option in CONNECTION)


def test_every_command_that_answers_can_answer_in_json() -> None:
    silent = {
        "retailpulse " + name
        for name in ("demo", "serve", "sample", "worker", "api", "completion", "thumbnail")
    }
    assert {name for name, command in COMMANDS.items() if "--json" not in options(command)} == silent


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_of_the_command_itself(name: str) -> None:
    text = COMMANDS[name].help or ""
    assert (
        name.replace("jobs cancel", "cancel").replace("jobs retry", "retry") in text.partition("Examples:")[2]
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_in_the_help(name: str) -> None:
    shown = [param for param in COMMANDS[name].params if isinstance(param, click.Option) and not param.hidden]
    assert [param.name for param in shown if not param.help] == []


def test_every_command_stands_under_a_heading_of_the_help() -> None:
    assert sorted(name for names in HEADINGS.values() for name in names) == sorted(MODULES)
