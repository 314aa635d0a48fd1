"""The commands that run the service on this machine: serve, worker, api, migrate, health, config.

Each imports what it runs when it runs, so that the client commands start fast.
"""

import contextlib
import json
from typing import Any
from uuid import UUID

import rich_click as click

from retailpulse.cli.output import answer, json_option
from retailpulse.cli.terminal import echo_json
from retailpulse.config.loading import Loaded, load
from retailpulse.config.settings import Settings
from retailpulse.domain.errors import ConfigError

host_option = click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
port_option = click.option(
    "--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 9090]"
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Directory of the embedded PostgreSQL.  [default: ./retailpulse-data]",
)
anonymous_option = click.option(
    "--allow-anonymous",
    is_flag=True,
    default=None,
    help="Serve other machines without any API key.",
)
parent_option = click.option("--parent-fd", type=int, hidden=True)
profiled_option = click.option("--profiled-fd", type=int, hidden=True)
heartbeat_option = click.option("--heartbeat-fd", type=int, hidden=True)


def load_settings(**overrides: Any) -> Loaded:
    """The settings, with what the command line said on top; one that cannot be used is a usage error."""
    named = {
        "host": ("api", "host"),
        "port": ("api", "port"),
        "data_dir": ("database", "data_dir"),
        "workers": ("worker", "processes"),
        "allow_anonymous": ("api", "allow_anonymous"),
    }
    try:
        return load(overrides={named[key]: value for key, value in overrides.items() if value is not None})
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def check_settings(settings: Settings) -> None:
    """Makes settings that only the server's parts can check a usage error as well."""
    from retailpulse.bootstrap.settings_check import check_settings as check

    try:
        check(settings)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


@click.command()
@host_option
@port_option
@data_dir_option
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes.  [default: one per core]")
@anonymous_option
def serve(
    host: str | None,
    port: int | None,
    data_dir: str | None,
    workers: int | None,
    allow_anonymous: bool | None,
) -> None:
    """Run the whole service: database, API and workers, until Ctrl-C.

    Without RETAILPULSE_DATABASE_URL it starts a PostgreSQL of its own in the data directory. To listen on an
    address that other machines reach, it needs an API key first: `retailpulse keys create`. Started as root,
    it runs its children as an ordinary user.

    \b
    Examples:
      retailpulse serve
      retailpulse serve --port 8000 --data-dir /var/lib/retailpulse --workers 4
      RETAILPULSE_DATABASE_URL=postgresql://db.example/retailpulse retailpulse serve
    """
    from retailpulse.cli.first_steps import show_first_steps
    from retailpulse.process.logging import set_up_logging
    from retailpulse.supervisor.serve import serve as run

    loaded = load_settings(
        host=host, port=port, data_dir=data_dir, workers=workers, allow_anonymous=allow_anonymous
    )
    set_up_logging(loaded.settings.log, "serve")
    check_settings(loaded.settings)
    run(loaded, on_ready=lambda: show_first_steps(loaded.settings))


@click.command()
@data_dir_option
@parent_option
@click.option("--process", type=click.UUID, hidden=True)
@heartbeat_option
@profiled_option
@click.option("--turn-fd", type=int, hidden=True)
def worker(
    data_dir: str | None,
    parent_fd: int | None,
    process: UUID | None,
    heartbeat_fd: int | None,
    profiled_fd: int | None,
    turn_fd: int | None,
) -> None:
    """Run one worker process by hand, on this machine or another, beside those of `serve`.

    Let a supervisor restart it: it ends itself if its event loop stalls.

    \b
    Examples:
      retailpulse worker
      RETAILPULSE_DATABASE_URL=postgresql://db.example/retailpulse retailpulse worker
    """
    from retailpulse.bootstrap.worker import run_worker_process
    from retailpulse.process.logging import set_up_logging

    settings = load_settings(data_dir=data_dir).settings
    set_up_logging(settings.log, "worker")
    run_worker_process(
        settings,
        parent_fd,
        process=process,
        heartbeat_fd=heartbeat_fd,
        profiled_fd=profiled_fd,
        turn_fd=turn_fd,
    )


@click.command()
@host_option
@port_option
@data_dir_option
@anonymous_option
@parent_option
@heartbeat_option
@profiled_option
@click.option("--profiles-fd", type=int, hidden=True)
@click.option("--setting-sources", hidden=True)
@click.option("--socket-fd", type=int, hidden=True)
@click.option("--health-socket-fd", type=int, hidden=True)
def api(
    host: str | None,
    port: int | None,
    data_dir: str | None,
    allow_anonymous: bool | None,
    parent_fd: int | None,
    heartbeat_fd: int | None,
    profiled_fd: int | None,
    profiles_fd: int | None,
    setting_sources: str | None,
    socket_fd: int | None,
    health_socket_fd: int | None,
) -> None:
    """Run the HTTP API alone; any number of them may share one database.

    Let a supervisor restart it: it ends itself if its event loop stalls.

    \b
    Examples:
      RETAILPULSE_DATABASE_URL=postgresql://db.example/retailpulse retailpulse api --port 9091
    """
    from retailpulse.bootstrap.api import run_api_process
    from retailpulse.process.logging import set_up_logging
    from retailpulse.web.ports import Sockets

    loaded = load_settings(host=host, port=port, data_dir=data_dir, allow_anonymous=allow_anonymous)
    if setting_sources is not None:
        loaded = loaded.with_sources(setting_sources)
    set_up_logging(loaded.settings.log, "api")
    sockets = Sockets(all=socket_fd, health=health_socket_fd)
    run_api_process(
        loaded,
        parent_fd,
        sockets,
        heartbeat_fd=heartbeat_fd,
        profiled_fd=profiled_fd,
        profiles_fd=profiles_fd,
    )


@click.command()
@json_option
@data_dir_option
def migrate(as_json: bool, data_dir: str | None) -> None:
    """Bring the database's schema to the version of this program; `serve` does so when it starts.

    \b
    Examples:
      retailpulse migrate
      RETAILPULSE_DATABASE_URL=postgresql://db.example/retailpulse retailpulse migrate
    """
    from retailpulse.bootstrap.database import migrate_database
    from retailpulse.process.logging import set_up_logging

    settings = load_settings(data_dir=data_dir).settings
    set_up_logging(settings.log, "migrate")
    before, after = migrate_database(settings.database)
    was_new = f"The schema is up to date: version {after}."
    sentence = (
        was_new if before == after else f"The schema was brought from version {before or 'none'} to {after}."
    )
    answer(sentence, as_json=as_json, before=before, after=after)


@click.command()
@host_option
@port_option
@json_option
def health(host: str | None, port: int | None, as_json: bool) -> None:
    """Check whether the API on this machine can serve: exit code 0 if it can, else 1 and the reason.

    It reads the same settings as the API, for instance in a container's health check.

    \b
    Examples:
      retailpulse health
      retailpulse health --port 9091 --json
    """
    from retailpulse.process.readiness_probe import why_not_ready

    api = load_settings(host=host, port=port).settings.api
    reason = why_not_ready(api, None if port else api.health_port or None)
    if reason is not None and not as_json:
        raise click.ClickException(reason)
    answer("ready", as_json=as_json, ready=reason is None, reason=reason)
    if reason is not None:
        raise SystemExit(1)


@click.command()
@json_option
def config(as_json: bool) -> None:
    """Print every setting: its value, the source of that, and its meaning, or refuse them as `serve` would.

    Settings come from the command line, the environment, a TOML file (retailpulse.toml in the current
    folder, or the one that RETAILPULSE_CONFIG names), and defaults, in this order.

    \b
    Examples:
      retailpulse config
      RETAILPULSE_FETCH_PER_HOST=4 retailpulse config --json
    """
    loaded = load_settings()
    with contextlib.suppress(ModuleNotFoundError):  # a client alone has no service to set
        check_settings(loaded.settings)
    settings = list(loaded.listed())
    if as_json:
        rows = [
            {"name": s.variable, "value": s.shown(), "source": s.source, "meaning": s.meaning}
            for s in settings
        ]
        echo_json(json.dumps(rows, indent=2))
        return
    from rich.text import Text

    from retailpulse.cli.console import output_console

    console = output_console()
    for s in settings:
        value = Text(str(s.shown()) if s.shown() != "" else "(empty)", style="bold")
        console.print(Text(f"{s.variable} = ") + value + Text(f"  ({s.source})", style="dim"), soft_wrap=True)
        console.print(Text(f"    {s.meaning}", style="dim"), soft_wrap=True)
