"""The command line: one group; commands that run the service here, and commands that speak to one by HTTP.

A command's module is imported when the command is called, so that a worker carries no HTTP client and an
install without the server's parts has all commands that need none.
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import rich_click as click

from retailpulse import __version__
from retailpulse.cli.exit_codes import exit_cleanly
from retailpulse.cli.terminal import echo
from retailpulse.domain.errors import RetailPulseError

MODULES = {
    "demo": "demo",
    "serve": "server",
    "sample": "sample",
    "worker": "server",
    "api": "server",
    "migrate": "server",
    "health": "server",
    "check": "check",
    "keys": "keys",
    "config": "server",
    "prune": "maintenance",
    "backup": "maintenance",
    "restore": "maintenance",
    "callbacks": "callbacks",
    "submit": "submit",
    "watch": "watch",
    "status": "watch",
    "results": "results",
    "matches": "matches",
    "thumbnail": "thumbnail",
    "calibrate": "calibrate",
    "jobs": "jobs",
    "cancel": "jobs",
    "retry": "jobs",
    "deliveries": "jobs",
    "redeliver": "jobs",
    "analyze": "analyze",
    "analyses": "analyze",
    "stores": "stores",
    "areas": "stores",
    "visits": "stores",
    "photos": "photos",
    "review": "review",
    "report": "report",
    "stats": "stats",
    "hosts": "hosts",
    "profile": "profile",
    "plan": "plan",
    "completion": "completion",
}
"""The module of each command, in the order of the help."""


HEADINGS = {
    "Begin": ("demo", "serve", "sample"),
    "Jobs": (
        "submit",
        "watch",
        "status",
        "results",
        "matches",
        "thumbnail",
        "calibrate",
        "jobs",
        "cancel",
        "retry",
        "deliveries",
        "redeliver",
        "analyze",
        "analyses",
    ),
    "Stores and visits": ("stores", "areas", "visits", "photos", "review", "report"),
    "The service": (
        "stats",
        "hosts",
        "health",
        "config",
        "keys",
        "callbacks",
        "worker",
        "api",
        "migrate",
        "profile",
        "plan",
    ),
    "Keeping": ("check", "prune", "backup", "restore"),
    "Shells": ("completion",),
}
"""Under which heading each command stands in the help."""
_GROUPS: list[Any] = [{"name": name, "commands": list(commands)} for name, commands in HEADINGS.items()]


_OF_COMMANDS = frozenset({"--url", "--api-key", "--patience", "--json", "--data-dir", "--port", "--host"})
"""Options that many commands have, which people write before the command too."""


class _Group(click.RichGroup):
    """The commands, imported when they are asked for; all of them leave with the same exit codes."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        module = import_module(f"retailpulse.cli.commands.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in _OF_COMMANDS:
                raise
            name = error.option_name
            raise click.UsageError(
                f"{name} stands behind a command: retailpulse COMMAND {name}", ctx
            ) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in MODULES and not name.startswith("-") and not ctx.resilient_parsing:
            # The library suggests none of ours, as it knows no command that was not imported yet.
            close = get_close_matches(name, MODULES, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with exit_cleanly():  # this is where --help is printed
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        with exit_cleanly():
            return super().invoke(ctx)


_HELP = click.RichHelpConfiguration(
    padding_helptext_first_line=(0, 0, 1, 0),
    text_paragraph_linebreaks="\n\n",
    command_groups=dict.fromkeys(("retailpulse", "python -m retailpulse"), _GROUPS),
)
_CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
    "rich_help_config": _HELP,  # the decorator for it would load rich, which API and workers do without
}


@click.group(cls=_Group, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="retailpulse")
def group() -> None:
    """Turn store-visit photos into facts.

    \b
    Examples:
      retailpulse demo --exit            see it work
      retailpulse serve                  run the whole service on this machine
      retailpulse stores import FILE.csv load the store master
      retailpulse sample job > job.json  a file to try it with
      retailpulse submit job.json --watch
      retailpulse jobs list --status failed

    \b
    Exit codes:
      0    done
      1    a job failed, or what was asked for was refused
      2    the command line or a setting cannot be used
      3    the service cannot be reached or cannot work now: try again later
      130  Ctrl-C
    """


def main() -> None:
    """Runs the command line; an error of ours is one line on standard error and exit code 1."""
    try:
        group()
    except RetailPulseError as error:
        echo(f"retailpulse: {error}", err=True)
        sys.exit(1)
