"""What a user asks of an apply beside the plan."""

from dataclasses import dataclass, field

from specrun.model.project import Budget


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyOptions:
    """How to apply.

    `jobs` is how many requests may be in flight, None for the provider's own number. `budget` holds beside the
    project's. `rehearse` makes everything on the sandbox, in a place of its own.
    """

    jobs: int | None = None
    budget: Budget = field(default_factory=Budget)
    rehearse: bool = False
