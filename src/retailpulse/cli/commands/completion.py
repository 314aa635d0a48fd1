"""The command `completion`: what a shell runs to complete the commands and options of this program."""

import rich_click as click
from click.shell_completion import get_completion_class

PROGRAM = "retailpulse"
VARIABLE = "_RETAILPULSE_COMPLETE"
_INITIALISED = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }"
"""A zsh without settings has not loaded its completion system, and the script would end with an error."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands and options of `retailpulse` on PATH.

    The first example is for the shell that runs, the others are for those that start later.

    \b
    Examples:
      source <(retailpulse completion bash)
      retailpulse completion bash >> ~/.bashrc
      retailpulse completion zsh >> ~/.zshrc
      mkdir -p ~/.config/fish/completions
      retailpulse completion fish > ~/.config/fish/completions/retailpulse.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"{shell} is not known")
    script = kind(context.find_root().command, {}, PROGRAM, VARIABLE).source()
    if shell == "zsh":
        first, feed, rest = script.partition("\n")
        script = f"{first}{feed}{_INITIALISED}\n{rest}"
    click.echo(script)
