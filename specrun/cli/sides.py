"""Two locks of one spec, and what differs between them."""

import msgspec

from specrun.model.lock import Lock
from specrun.model.project import Project
from specrun.report.diff_text import Compared
from specrun.verify.target import Target


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The locks, each None where there is none, the spec's places, and the comparison."""

    target: Target
    project: Project
    before: Lock | None
    after: Lock | None
    compared: Compared
