"""What a shell offers when a person presses Tab: commands and options, campaigns and templates.

Campaigns and templates are those of the journal: a key on the keyboard costs no request. Whatever is wrong,
nothing is offered and nothing is said, because the person is in the middle of a line. What offers is told as
`(value, words about it)`. Nothing here is imported before somebody asks, for each command imports this.
"""

import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from keebai_async.model.campaign import StoredCampaign

ASKED: Final = "_KEEBAI_ASYNC_COMPLETE"
"""The variable by which a shell asks."""

_OFFERED_AT_MOST: Final = 50
"""What is offered at once; with a letter more there is less."""

_WAITED_FOR: Final = 5.0
"""Seconds for a journal on another machine."""

Offers = list[tuple[str, str]]


def typed_so_far(environment: Mapping[str, str]) -> list[str]:
    """The words behind the program's name in the line that a shell asks for; empty if none asks."""
    if ASKED not in environment:
        return []
    line = environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS") or ""
    try:
        return shlex.split(line)[1:]
    except ValueError:  # a quote that is still open
        return line.split()[1:]


def campaigns(context: typer.Context, incomplete: str) -> Offers:
    """Ids that begin so, newest first."""
    return _offered(context, incomplete, _ids)


def plans(context: typer.Context, incomplete: str) -> Offers:
    """Ids of plans that nobody launched; none before a letter is typed, so that files are offered."""
    return _offered(context, incomplete, _unlaunched) if incomplete else []


def templates(context: typer.Context, incomplete: str) -> Offers:
    """Names of templates that a campaign of the journal had."""
    return _offered(context, incomplete, _templates)


def languages(context: typer.Context, incomplete: str) -> Offers:
    """Their languages, of the template that is given if one is."""
    return _offered(context, incomplete, lambda every: _languages(every, context.params.get("template")))


def _ids(every: "list[list[StoredCampaign]]") -> Iterator[tuple[str, str]]:
    from keebai_async.model.part import whole_of

    for parts in every:
        first = parts[0].plan
        whole = None if first.part is None else whole_of(first.campaign_id)
        if whole is not None and first.part is not None:
            yield whole, f"{first.part.name}, {len(parts)} senders"
        yield from ((each.plan.campaign_id, f"{each.plan.name}, {each.state.value}") for each in parts)
    if every:
        yield "last", "the newest campaign"


def _unlaunched(every: "list[list[StoredCampaign]]") -> Iterator[tuple[str, str]]:
    return _ids([parts for parts in every if not any(chunk.step for each in parts for chunk in each.chunks)])


def _templates(every: "list[list[StoredCampaign]]") -> Iterator[tuple[str, str]]:
    return ((parts[0].plan.template, parts[0].plan.language) for parts in every)


def _languages(every: "list[list[StoredCampaign]]", template: object) -> Iterator[tuple[str, str]]:
    plans = (parts[0].plan for parts in every)
    return ((each.language, each.template) for each in plans if template in (None, each.template))


def _offered(
    context: typer.Context,
    incomplete: str,
    pick: "Callable[[list[list[StoredCampaign]]], Iterator[tuple[str, str]]]",
) -> Offers:
    from keebai_async.errors import KeebaiError

    with suppress(KeebaiError, OSError):
        found: dict[str, str] = {}
        for value, words in pick(_every(context)):
            if value.startswith(incomplete):
                found.setdefault(value, words)
        return list(found.items())[:_OFFERED_AT_MOST]
    return []


def _every(context: typer.Context) -> "list[list[StoredCampaign]]":
    """The campaigns of the journal that the line means, newest first, the parts of a list together."""
    import anyio

    return anyio.run(_read(context))


def _read(context: typer.Context) -> "Callable[[], Awaitable[list[list[StoredCampaign]]]]":
    from anyio import move_on_after

    from keebai_async.cli.config.files import profile_without_token
    from keebai_async.cli.places import journal_name
    from keebai_async.journal.open import open_journal
    from keebai_async.model.whole import together

    async def read() -> "list[list[StoredCampaign]]":
        with profile_without_token(context.find_root().params.get("profile")):
            journal = open_journal(journal_name(context.params.get("journal")))
        try:
            with move_on_after(_WAITED_FOR):
                return [list(parts) for parts in together(await journal.campaigns())]
        finally:
            await journal.aclose()
        return []

    return read
