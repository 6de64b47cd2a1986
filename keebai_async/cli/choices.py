"""Groups of options that `plan` and `launch` share, as the command line gives them."""

import msgspec

from keebai_async.campaign.plan import PlanOptions
from keebai_async.campaign.planned import Guards
from keebai_async.cli import arguments as a


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Who of the list gets the message, and in which order."""

    name: a.Name = None
    column: a.Columns = None
    limit: a.Limit = None
    canary: a.Canary = None
    stop_above: a.StopAbove = None

    @property
    def guards(self) -> Guards:
        return Guards(stop_above=self.stop_above, canary=self.canary)

    @property
    def options(self) -> PlanOptions:
        """Raises InvalidInput if they make no sense."""
        return PlanOptions(limit=self.limit, guards=self.guards)

    @property
    def for_a_list(self) -> list[str]:
        """The options given that say something of a list: a plan that is made already cannot follow them."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "stop_above"}
        return [f"--{name.replace('_', '-')}" for name, value in given.items() if value not in (None, False)]


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox beside the launch, instead of the real service."""

    sandbox: a.OnSandbox = False
    speed: a.Speed = 1.0


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What is written where."""

    rejects: a.Rejects = None
    json: a.Json = False
