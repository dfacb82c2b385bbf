"""Commands and options of other tools (Terraform, DVC, dbt, uv, git, make), answered with those of specrun."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import click

from specrun.diagnostics import nearest

# What deletes is suggested to nobody; what pays only to who all but wrote it.
_DELETES = frozenset("prune --prune --store --shared".split())
_PAYS = frozenset("apply reproduce push --replace --regenerate-lost --retry-unknown --yes".split())

_PLAN = "`specrun plan SPEC` shows, for nothing, what an apply would do"
_FOLDER = "`specrun -C DIR COMMAND` works as if started in DIR"
_ANEW = "`specrun plan SPEC` says why a run is kept; --replace RUNS asks for chosen runs anew"
# What is found here by each command, and the words that other tools have for it.
_ELSEWHERE: Mapping[str, Sequence[str]] = {
    "`specrun apply SPEC` makes the images that `specrun plan SPEC` lists": (
        "run build make repro generate gen execute exec up deploy sync start render create update refresh"
    ).split(),
    _PLAN: ("preview dry-run dryrun status state compile expand list ls what-if estimate cost costs price").split(),
    "`specrun validate SPEC` reports every fault": "check lint parse fmt format debug doctor test audit ci".split(),
    "`specrun show ADDRESS` tells all that is known of a run or an image": "inspect info get describe cat".split(),
    "`specrun diff SPEC` compares with another commit": "compare log changes".split(),
    "`specrun summary SPEC` tells what was spent, and `specrun export SPEC` lists what was made": (
        "report stats output outputs history billing logs metrics".split()
    ),
    "`specrun gallery SPEC` makes a page of the images": "view open docs html".split(),
    "take runs out of the spec: the plan then calls their images orphans, and says what removes them": (
        "destroy rm remove delete clean gc down uninstall clear purge wipe drop".split()
    ),
    "`specrun init DIR` makes a project": "new start-project scaffold setup add install".split(),
    "`specrun lock SPEC` pins without making anything": "freeze pin import".split(),
    "`specrun models` lists the models, and `specrun models ID` what one takes": "providers model params".split(),
    "`specrun pull SPEC` brings images from the shared store": "fetch download checkout restore".split(),
    "`specrun serve` answers as an images API": "server sandbox mock".split(),
    _ANEW: "taint untaint replace redo retry rerun".split(),
    "--name NAME plans and applies a variant with a lock and outputs of its own": ["workspace", "variant"],
    "`specrun plan SPEC --format mermaid` draws which runs need which": "graph dag tree lineage".split(),
    "`specrun lock SPEC --upgrade` takes new schema defaults": "upgrade outdated".split(),
    "specs and locks are files in git: git itself does that": (
        "commit stash reset revert rebase branch tag blame snapshot clone".split()
    ),
    "`specrun --help` lists the commands, `specrun COMMAND --help` what one takes": ["help"],
    "`specrun --version` prints it": ["version"],
    "`specrun completion SHELL` prints a script for the shell": ["completions"],
}
COMMANDS = {word: advice for advice, words in _ELSEWHERE.items() for word in words}

# Options of other tools: the first of ours that the command has is named, else the advice.
_OPTIONS: Mapping[str, Sequence[str]] = {
    "--auto-approve": ("--yes",),
    "--autoapprove": ("--yes",),
    "--no-input": ("--yes",),
    "--non-interactive": ("--yes",),
    "--force": (_ANEW,),
    "--full-refresh": (_ANEW,),
    "--dry-run": (_PLAN,),
    "--dry": (_PLAN,),
    "--plan": (_PLAN,),
    "--check-only": (_PLAN,),
    "--out": ("--output", "--html"),
    "--json": ("--format json",),
    "--markdown": ("--format markdown",),
    "--parallelism": ("--jobs",),
    "--threads": ("--jobs",),
    "--workers": ("--jobs",),
    "--concurrency": ("--jobs",),
    "--select": ("--target",),
    "--only": ("--target",),
    "--filter": ("--target",),
    "--models": ("--target",),
    "--vars": ("--var",),
    "--set": ("--var",),
    "--param": ("--var",),
    "--variant": ("--name",),
    "--workspace": ("--name",),
    "--chdir": (_FOLDER,),
    "--directory": (_FOLDER,),
    "--limit": ("--max-images",),
    "--budget": ("--max-cost",),
    "--max-price": ("--max-cost",),
    "--exit-code": ("--detailed-exitcode",),
    "--exclude": ("what is never wanted is left out by `exclude` in the spec; --target RUNS names what is",),
    "--seed": ("seeds stand in the spec: params: {seed: 7}",),
    "--provider": ("the provider stands in the spec or in specrun.yaml; apply --rehearse asks the sandbox",),
    "--verbose": ("--full", "`specrun --debug COMMAND` shows where an error arose"),
    "--upgrade": ("`specrun lock --upgrade SPEC` takes new schema defaults",),
}
_SHORT_WORD = re.compile(r"-([a-z][a-z-]+)(=.*)?", re.DOTALL)


def advise_command(name: str, known: Collection[str]) -> str:
    """Return what a command that does not exist is called here, or what is near to it."""
    if advice := COMMANDS.get(name.casefold().replace("_", "-")):
        return advice
    found = _near(name.casefold(), known)
    return f'did you mean "{found}"?' if found else "see specrun --help"


def advise_option(name: str, known: Collection[str]) -> str:
    """Return what an option that a command does not have is called with it, else what is near; empty where nothing."""
    for ours in _OPTIONS.get(name.casefold(), ()):
        if not ours.startswith("--"):
            return ours
        if ours.split()[0] in known:
            return f"here it is {ours}"
    found = _near(name, known)
    return f"did you mean {found}?" if found else ""


def check_dashes(command: click.Command, arguments: Iterable[str], context: click.Context) -> None:
    """Raise for a long option with a single dash, as Terraform writes them: click would read `-out=x` as `-o ut=x`."""
    known = {option for parameter in command.params for option in parameter.opts}
    for argument in arguments:
        if argument == "--":
            return
        word = _SHORT_WORD.fullmatch(argument)
        if word and (f"--{word[1]}" in known or f"--{word[1]}" in _OPTIONS or argument[:2] not in known):
            advice = f"write --{word[1]}" if f"--{word[1]}" in known else advise_option(f"--{word[1]}", known)
            advice = advice or f"and there is no --{word[1]} here"
            raise click.UsageError(f"{argument}: options of more than one letter have two dashes; {advice}", context)


def _near(name: str, known: Iterable[str]) -> str:
    # Without their dashes, which would make all options look alike.
    safe = {each.lstrip("-"): each for each in known if each not in _DELETES}
    allowed = [word for word, each in safe.items() if each not in _PAYS or _slip(name.lstrip("-"), word)]
    found = nearest(name.lstrip("-"), allowed)
    return safe[found[0]] if found else ""


def _slip(name: str, meant: str) -> bool:
    """Whether one letter more, less, other or swapped makes one of the other."""
    if name == meant or abs(len(name) - len(meant)) > 1:
        return name == meant
    at = next((i for i, (a, b) in enumerate(zip(name, meant, strict=False)) if a != b), min(len(name), len(meant)))
    rest, wanted = name[at:], meant[at:]
    swapped = rest[:2] == wanted[:2][::-1] and rest[2:] == wanted[2:]
    return swapped or rest[1:] == wanted[1:] or rest == wanted[1:] or rest[1:] == wanted
