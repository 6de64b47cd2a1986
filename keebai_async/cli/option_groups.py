"""Groups of options that `plan` and `launch` share, as the command line gives them."""

from pathlib import Path

import msgspec

from keebai_async.cli import options as a
from keebai_async.cli.estimate import Price
from keebai_async.model.plan import Guards
from keebai_async.planning.plan import PlanOptions

_LATE = {"stop_above", "unit_cost", "currency"}
"""What can still be said of a plan that is made."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Who of the list gets the message, and in which order."""

    name: a.Name = None
    column: a.Columns = None
    delimiter: a.Delimiter = None
    sheet: a.SheetName = None
    default_region: a.DefaultRegion = None
    suppress: a.Suppress = None
    extra_variables: a.ExtraVariables = a.Extra.REJECT
    fix_whitespace: a.FixWhitespace = False
    test_to: a.TestTo = None
    limit: a.Limit = None
    max_recipients: a.MaxRecipients = None
    unit_cost: a.UnitCost = None
    currency: a.Currency = "USD"
    max_cost: a.MaxCost = None
    canary: a.Canary = None
    stop_above: a.StopAbove = None

    @property
    def guards(self) -> Guards:
        return Guards(stop_above=self.stop_above, canary=self.canary)

    @property
    def options(self) -> PlanOptions:
        """Raises InvalidInput if they make no sense."""
        return PlanOptions(
            limit=self.limit,
            default_region=self.default_region,
            extra_variables="drop" if self.extra_variables is a.Extra.DROP else "reject",
            fix_whitespace=self.fix_whitespace,
            suppress=tuple(Path(file) for file in self.suppress or ()),
            max_recipients=self.max_recipients,
            unit_cost=self.unit_cost,
            max_cost=self.max_cost,
            test_to=tuple(self.test_to or ()),
            guards=self.guards,
        )

    @property
    def price(self) -> Price | None:
        return None if self.unit_cost is None else Price(unit=self.unit_cost, currency=self.currency)

    @property
    def for_a_list(self) -> list[str]:
        """The options given that say something of a list: a plan that is made already cannot follow them."""
        mine, plain = msgspec.structs.asdict(self), msgspec.structs.asdict(Choice())
        given = [name for name, value in mine.items() if value != plain[name] and name not in _LATE]
        return [f"--{name.replace('_', '-')}" for name in given]


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox beside the launch, instead of the real service."""

    sandbox: a.OnSandbox = False
    speed: a.Speed = 1.0


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What is written where."""

    rejects: a.Rejects = None
    json: a.Json = False
