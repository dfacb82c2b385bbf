"""`specrun completion SHELL`: the script that lets a shell complete commands, options, specs and models."""

import click
from click.shell_completion import get_completion_class

from specrun.cli.console import say
from specrun.cli.examples import examples

SHELLS = ("bash", "zsh", "fish")
EPILOG = examples(
    ('eval "$(specrun completion bash)"', "in ~/.bashrc"),
    ('eval "$(specrun completion zsh)"', "in ~/.zshrc"),
    ("specrun completion fish | source", "in ~/.config/fish/config.fish"),
)


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands in a shell.

    With it, Tab completes commands, options, paths and models.
    """
    completion = get_completion_class(shell)
    if completion is not None:
        say(completion(context.find_root().command, {}, "specrun", "_SPECRUN_COMPLETE").source())
