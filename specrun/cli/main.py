"""The `specrun` command: its subcommands, each imported only when it is asked for."""

import gc
import importlib
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from specrun import __version__
from specrun.cli.boundary import guarded
from specrun.cli.examples import examples

# The names and what --help says of them, so that showing them imports none.
COMMANDS: Mapping[str, str] = {
    "init": "Make a project that runs.",
    "validate": "Check specs; report every fault with its place and fix.",
    "plan": "Show what would be made, why, and what it costs.",
    "apply": "Make the images that the plan lists, and only those.",
    "serve": "Serve the images API, with the models known here, until told to stop.",
    "show": "Show one run, one image file, or with --vars a spec's variables.",
    "gallery": "Make a page of a spec's images: by any two axes, searchable, each with all that is known of it.",
    "diff": "Show what changed since another lock: which images, which fields, how much.",
    "summary": "Show what a spec's requests came to on this machine: money, time, failures.",
    "reproduce": "Ask again for what is locked, with exactly the locked requests, and compare.",
    "export": "Write what was made, in a format that other programs read.",
    "verify": "Check what stands on disk against lock, manifest and spec; say what is wrong, and the fix.",
    "resolve": "Settle held runs without a request.",
    "prune": "Remove outputs that no spec wants any more, after asking.",
    "lock": "Pin everything that specs leave open, and generate nothing.",
    "push": "Put the images of locks into the shared store.",
    "pull": "Bring the images of locks from the shared store into the project's own.",
    "merge": "Join the parts that shards of an apply left.",
    "models": "List the models, or one model's parameters.",
    "schema": "Print the JSON Schema of a file format or a model.",
    "completion": "Print the script that completes commands in a shell.",
}

EPILOG = examples(
    ("specrun init shop", "start a project in the folder shop"),
    ("specrun plan specs/shots.yaml", "see what would be made, and what it costs"),
    ("specrun apply specs/shots.yaml", "make it"),
)


class Commands(click.Group):
    """A group whose commands live in modules of their names."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        # Loading makes much, and no garbage.
        gc.disable()
        try:
            command = importlib.import_module(f"specrun.cli.{cmd_name}").command
        finally:
            gc.enable()
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name; say what is near where there is none."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from specrun.cli.familiar import advise_command  # noqa: PLC0415 - only for a mistake

            raise click.UsageError(f'there is no command "{args[0]}"; {advise_command(args[0], COMMANDS)}', ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and any(len(arg) > 2 and arg[0] == "-" != arg[1] for arg in rest):  # noqa: PLR2004 - `-j` is 2
            from specrun.cli.familiar import check_dashes  # noqa: PLC0415 - few write options so

            check_dashes(command, rest, click.Context(command, parent=ctx, info_name=name))
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "directory",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Work as if started in DIR.",
)
@click.option("--debug", is_flag=True, help="Show where in the program an error arose.")
@click.version_option(__version__, prog_name="specrun", message="%(prog)s %(version)s")
def cli(directory: str | None, *, debug: bool) -> None:  # noqa: ARG001 - the boundary reads --debug
    """Plan and apply for generated images: YAML specs in, planned, paid for once, locked images out."""
    if directory is not None:
        os.chdir(directory)


def run() -> NoReturn:
    """Run the command line, or answer a shell that asks for completions; leave with the exit code."""
    if instruction := os.environ.get("_SPECRUN_COMPLETE"):
        from click.shell_completion import shell_complete  # noqa: PLC0415 - only for a shell

        sys.exit(shell_complete(cli, {}, "specrun", "_SPECRUN_COMPLETE", instruction))
    code = guarded(cli, sys.argv[1:])
    # All that is left goes with the process: nobody need look through it for garbage once more.
    gc.freeze()
    sys.exit(code)
