"""The commands `config ...`: what is set, and by what."""

from collections.abc import Callable, Iterator
from typing import Final

import typer

from keebai_async.cli.config.files import config_files, project_file, user_file
from keebai_async.cli.config.profile import SETTINGS
from keebai_async.cli.config.sources import Chosen, Resolved, shown_token
from keebai_async.cli.json_output import emit
from keebai_async.cli.options import JsonOption
from keebai_async.cli.output import answer
from keebai_async.cli.plain_values import PlainGroup
from keebai_async.cli.register import register
from keebai_async.cli.text_output import table
from keebai_async.errors import Misused
from keebai_async.privacy import without_credentials


def show(context: typer.Context, json: JsonOption = False) -> None:
    """Tell each value that holds, and whether a flag's default, the environment or a file says it.

    Example: keebai-async config show
    """
    if not isinstance(resolved := context.obj, Resolved):
        raise Misused("the command was not called through the program")
    if json:
        emit(
            {
                "type": "config",
                "profile": resolved.profile,
                "files": [file.file for file in config_files()],
                "values": [
                    {"name": each.name, "value": each.value, "where": each.where} for each in _every(resolved)
                ],
            }
        )
        return
    project = project_file()
    answer(f"profile       {resolved.profile or 'none'}")
    answer(f"project file  {project or 'none'}")
    there = str(user_file()) in {file.file for file in config_files()}
    answer(f"user file     {user_file()}{'' if there else ' (not there)'}\n")
    rows = [(each.name, each.value, each.where or "nowhere") for each in _every(resolved)]
    answer(table(("NAME", "VALUE", "FROM"), rows))


def _every(resolved: Resolved) -> Iterator[Chosen]:
    yield shown_token(resolved)
    chosen = {each.name: each for each in resolved.chosen}
    for setting in SETTINGS:
        if (one := chosen.get(setting.name)) is None:
            continue
        value = without_credentials(one.value) if "://" in one.value else one.value
        yield Chosen(name=one.name, variable=one.variable, value=value, where=one.where)


CONFIG_COMMANDS: Final[tuple[Callable[..., None], ...]] = (show,)
config_app = typer.Typer(
    cls=PlainGroup,
    help="Example: keebai-async config show\n\nProfiles, and where each value comes from.",
    short_help="Profiles, and where each value comes from; it has commands of its own.",
    no_args_is_help=True,
)
for command in CONFIG_COMMANDS:
    register(config_app, command)
