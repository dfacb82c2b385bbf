"""The examples that end every help text, in one form that tests can run."""


def examples(*lines: tuple[str, str]) -> str:
    """Return an epilog from pairs of a command and what it does."""
    width = max(len(command) for command, _ in lines)
    # click rewraps paragraphs unless they begin with \b.
    return "\n".join(["\b", "Examples:", *(f"  {command:<{width}}  {purpose}" for command, purpose in lines)])
