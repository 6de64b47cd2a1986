"""How a function becomes a command: its groups of options are expanded, its docstring is the help."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, get_args, get_origin, get_type_hints

import msgspec
import typer

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.output import say
from keebai_async.cli.plain_values import plain_command

_EXAMPLE = "Example: "


def register(app: typer.Typer, command: Callable[..., None]) -> None:
    """Add *command* to *app* under its function's name (`list_` is `list`). Its help begins with the example.

    Raises:
        ValueError: its docstring does not end with a paragraph "Example: ...".
    """
    words, _, example = (inspect.getdoc(command) or "").rpartition(f"\n\n{_EXAMPLE}")
    if not words:
        raise ValueError(f"the docstring of {command.__name__} does not end with an example")
    expanded = _expanded(command)
    add = app.command(
        command.__name__.rstrip("_"),
        cls=plain_command([name for name, kind in expanded.__annotations__.items() if _is_text(kind)]),
        help=f"{_EXAMPLE}{example}\n\n{words}",
        short_help=words.splitlines()[0],
    )
    add(expanded)


def _is_text(kind: object) -> bool:
    """`Annotated[str, ...]`, or the same with None."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return bare in (str, str | None)


def _expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter that is a Struct by its fields, in their place, and put them together again.

    A field is written as Typer wants a parameter: `limit: Annotated[int | None, typer.Option(...)] = None`.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if _is_group(kind)}

    @functools.wraps(command)
    def run(**given: object) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in kind.__struct_fields__})
        try:
            command(**given)
        except KeyboardInterrupt as error:  # some Typers end with 130 here and say nothing
            say("interrupted")
            raise typer.Exit(Exit.INTERRUPTED) from error

    parameters = list(_parameters(command, hints))
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _is_group(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _parameters(command: Callable[..., None], hints: dict[str, type]) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if not _is_group(kind):
            yield parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        own = get_type_hints(kind, include_extras=True)
        for field in msgspec.structs.fields(kind):
            default = inspect.Parameter.empty if field.required else field.default
            yield inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=own[field.name]
            )
