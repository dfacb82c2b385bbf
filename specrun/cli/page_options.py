"""Options of commands that can also show pictures."""

from pathlib import Path

import click

from specrun.cli.own_files import PAGE, own

html_option = click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=own(PAGE),
    help="Also write a page with pictures.",
)
thumbnails_option = click.option(
    "--thumbnails",
    metavar="DIR|URL",
    help="Let the Markdown show thumbnails: put there, or expected at the URL where CI puts them.",
)
