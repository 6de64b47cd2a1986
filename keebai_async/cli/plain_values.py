"""Values that need no reading: a text that stays a text, what nobody gave, a default of our own.

Typer reads every value of a command through pydantic, whose import takes longer than all else that a look at
a campaign needs. So such values go round it. Any other is read as Typer does it, and older Typers, which read
without pydantic, are left alone.
"""

import enum
from collections.abc import Collection
from typing import Any, Final, TypeVar

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

Parameters = TypeVar("Parameters", bound=Collection[object])

_READS_THROUGH_PYDANTIC: Final = hasattr(TyperOption, "get_runtime_param")


class PlainOption(TyperOption):
    """An option of whose values some are taken as they come."""

    takes_text: bool

    def process_value(self, ctx: Any, value: Any) -> Any:
        if not _is_plain(self, value):
            return super().process_value(ctx, value)
        value = () if value is None and self.multiple else value
        return value if self.callback is None else self.callback(ctx, self, value)


class PlainArgument(TyperArgument):
    """An argument of whose values some are taken as they come."""

    takes_text: bool

    def process_value(self, ctx: Any, value: Any) -> Any:
        if not _is_plain(self, value):
            return super().process_value(ctx, value)
        value = () if value is None and self.nargs == -1 else value
        return value if self.callback is None else self.callback(ctx, self, value)


def _is_plain(parameter: PlainOption | PlainArgument, value: object) -> bool:
    match value:
        case None:
            return not parameter.required
        case str():
            return parameter.takes_text
        case _:  # what was typed is text: this is a default
            return isinstance(value, int | float | enum.Enum)


def _taking_plain_values(parameters: Parameters, texts: Collection[str]) -> Parameters:
    for parameter in parameters if _READS_THROUGH_PYDANTIC else ():
        if type(parameter) is TyperOption:
            parameter.__class__ = PlainOption
        elif type(parameter) is TyperArgument:
            parameter.__class__ = PlainArgument
        if isinstance(parameter, PlainOption | PlainArgument):
            parameter.takes_text = parameter.name in texts
    return parameters


class PlainGroup(TyperGroup):
    """A group none of whose own parameters is a text."""

    def get_params(self, ctx: Any) -> Any:
        return _taking_plain_values(super().get_params(ctx), ())


def plain_command(texts: Collection[str]) -> type[TyperCommand]:
    """A class for a command whose parameters called *texts* are texts, one each."""

    class PlainCommand(TyperCommand):
        def get_params(self, ctx: Any) -> Any:
            return _taking_plain_values(super().get_params(ctx), texts)

    return PlainCommand
