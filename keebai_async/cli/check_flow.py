"""Check a list against the names of variables alone, without a token and a trace: `plan FILE --variables`."""

from collections.abc import Sequence
from typing import Final

import anyio
import msgspec

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.language import phrase
from keebai_async.cli.launch_flow import LaunchSettings, save_rejects, show_plan
from keebai_async.cli.option_groups import CampaignOptions
from keebai_async.cli.options import one_character, pairs
from keebai_async.cli.output import say
from keebai_async.cli.people_files import check_rejects_file
from keebai_async.cli.places import default_name, refuse_missing_file
from keebai_async.cli.progress import meter
from keebai_async.errors import InvalidInput
from keebai_async.model.sender import Sender
from keebai_async.model.template import Template
from keebai_async.planning.plan import make_plan
from keebai_async.sources import open_source
from keebai_async.sources.query import QueryRows

_NOBODY: Final = Sender(phone_number_id="nobody")
_ID: Final = "check"


class ListCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A list, and the variables that each row of it has to fill."""

    people: str | QueryRows
    variables: tuple[str, ...]
    options: CampaignOptions


def variables_in(text: str) -> tuple[str, ...]:
    """The names in `nombre,codigo`. Raises InvalidInput if one is empty or comes twice."""
    names = tuple(name.strip().removeprefix("{{").removesuffix("}}").strip() for name in text.split(","))
    if names == ("",):
        return ()
    if twice := [name for name in names if not name or names.count(name) > 1]:
        what = f"{twice[0]} is there twice" if twice[0] else "a name is empty"
        raise InvalidInput(
            f"{what}: name each variable once, with commas between, such as nombre,codigo",
            field="--variables",
            value=text,
        )
    return names


async def check_list(check: ListCheck, settings: LaunchSettings) -> Exit:
    """Read the list and show what a plan would say of its rows.

    Raises what planning raises of the list.
    """
    file = check.people if isinstance(check.people, str) else None
    if file is not None:
        refuse_missing_file(file)
    if settings.rejects is not None:
        check_rejects_file(settings.rejects, excel=settings.excel, source=file or "-")
    options = check.options
    source = open_source(
        check.people,
        columns=pairs(options.column or (), option="--column", form="FIELD=COLUMN") or None,
        delimiter=one_character(options.delimiter, option="--delimiter"),
        encoding=options.encoding,
        sheet=options.sheet,
        hidden_rows=options.hidden_rows,
    )
    async with bookkeeping(Connection(journal="memory:", quota_store="memory:")) as client:
        service = client.campaign_service()
        with meter() as shown:
            plan = await make_plan(
                source,
                campaign_id=_ID,
                name=options.name or default_name(file),
                template=_template(check.variables),
                sender=_NOBODY,
                journal=client.journal,
                created_at=client.clock.wall(),
                service=service.name,
                largest_chunk=service.largest_chunk,
                options=options.plan_options,
                count_rest=file is not None and await anyio.Path(file).is_file(),
                progress=lambda progress: shown.show(phrase("reading"), progress.read, None),
            )
        if settings.rejects is not None:
            await save_rejects(client, plan, settings.rejects, excel=settings.excel)
        show_plan(client, plan, settings)
    names = ", ".join(check.variables) or phrase("none", about="variables")
    say(phrase("checked against the variables that you named: {names}", names=names))
    say(phrase("nothing is kept, and opt-outs of the journal were not looked at: plan it with --template"))
    return Exit.DONE


def _template(variables: Sequence[str]) -> Template:
    return Template(name="", language="", status="APPROVED", variables=tuple(variables))
