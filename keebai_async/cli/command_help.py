"""How a command's docstring becomes its help: the example first, then what it does."""

import inspect
from collections.abc import Callable

import typer

_EXAMPLE = "Example: "


def register(app: typer.Typer, command: Callable[..., None]) -> None:
    """Add *command* under its function's name (`list_` is `list`).

    Raises:
        ValueError: its docstring does not end with a paragraph "Example: ...".
    """
    words, _, example = (inspect.getdoc(command) or "").rpartition(f"\n\n{_EXAMPLE}")
    if not words:
        raise ValueError(f"the docstring of {command.__name__} does not end with an example")
    app.command(
        command.__name__.rstrip("_"), help=f"{_EXAMPLE}{example}\n\n{words}", short_help=words.splitlines()[0]
    )(command)
