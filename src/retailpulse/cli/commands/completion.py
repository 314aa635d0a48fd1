"""The command `completion`: what a shell runs to complete the commands and options of this program."""

import rich_click as click
from click.shell_completion import get_completion_class

PROGRAM = "retailpulse"
VARIABLE = "_RETAILPULSE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands and options.

    \b
    Examples:
      retailpulse completion bash > ~/.local/share/bash-completion/completions/retailpulse
      source <(retailpulse completion zsh)
      retailpulse completion fish > ~/.config/fish/completions/retailpulse.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"{shell} is not known")
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())
