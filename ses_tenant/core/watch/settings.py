"""What a tenants file says of the watch for the whole account."""

from dataclasses import dataclass, field

from ses_tenant.core.watch.decide import Limits
from ses_tenant.core.watch.rules import DEFAULT_RULES, Rule, parse_rule


@dataclass(frozen=True)
class WatchSettings:
    """The table `[watch]`. `rules` hold for every tenant without rules of its own.

    `dry` tells that nobody is suspended, only told of; None is so for the first week alone.
    """

    rules: tuple[Rule, ...] = tuple(parse_rule(rule) for rule in DEFAULT_RULES)
    dry: bool | None = None
    limits: Limits = field(default_factory=Limits)
