"""Who decided what, as lines for people, and whether two of them have to. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from keebai_async.cli.figures import counted, moment
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import library_text
from keebai_async.cli.shown import shown_text
from keebai_async.errors import InvalidInput, SamePerson
from keebai_async.model.decided import Act, DecidedLine
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report

TWO_PEOPLE_VARIABLE: Final = "KEEBAI_TWO_PEOPLE"
"""Whether a campaign is launched by somebody else than who planned it."""

_DECISIONS_SHOWN: Final = 12
"""Decisions that a report on a terminal shows: the first ones, and the last."""

_ACTS_THAT_BEGIN: Final = frozenset({Act.PLANNED, Act.APPROVED, Act.LAUNCHED})
_TWO_ARE_NEEDED: Final = frozenset({"1", "true", "yes", "on"})
_ONE_IS_ENOUGH: Final = frozenset({"", "0", "false", "no", "off"})


def two_people_demanded(environment: Mapping[str, str]) -> bool:
    """Raises InvalidInput if the variable says neither yes nor no."""
    says = environment.get(TWO_PEOPLE_VARIABLE, "").strip().lower()
    if says not in _TWO_ARE_NEEDED | _ONE_IS_ENOUGH:
        raise InvalidInput(
            f"{TWO_PEOPLE_VARIABLE} is true or false, not {says}", field=TWO_PEOPLE_VARIABLE, value=says
        )
    return says in _TWO_ARE_NEEDED


def refuse_alone(environment: Mapping[str, str], *, instead: str) -> None:
    """Refuse to plan and launch in one, before anything is read, where two people have to.

    Raises:
        SamePerson: *instead* is what to do.
    """
    if two_people_demanded(environment):
        raise SamePerson(f"two people are demanded, and this would plan and launch: {instead}")


def who_words(by: str, login: str) -> str:
    """`ana`, `ana (as ops@vm)`, or the login of whom nobody told a name."""
    by, login = shown_text(by), shown_text(login)
    if not by or login.startswith(f"{by}@"):
        return login
    return phrase("{name} (as {login})", name=by, login=login) if login else by


def planned_words(plan: Plan) -> str:
    """`by ana`, who planned it; empty where that is not known."""
    who = plan.planned_by
    person = "" if who is None else who_words(who.name, who.login)
    return phrase("by {person}", person=person) if person else ""


def act_words(act: str) -> str:
    """What was decided: `launched`."""
    return phrase(act, about="act")


def decided_words(line: DecidedLine) -> str:
    """`by ana (as ops@vm): chunk 3: given up`."""
    who = who_words(line.by, line.login)
    by = phrase("by {person}", person=who) if who else ""
    return ": ".join(filter(None, (by, library_text(line.words))))


def who_began(report: Report) -> Iterator[DecidedLine]:
    """Who planned, approved and launched it; of an older campaign, who launched it."""
    began = [line for line in report.decided if line.act in _ACTS_THAT_BEGIN]
    if Act.LAUNCHED not in {line.act for line in began} and report.launched_at is not None and report.by:
        began.append(DecidedLine(act=Act.LAUNCHED, at=report.launched_at, by=report.by))
    yield from began


def decided_lines(every: Sequence[DecidedLine]) -> Iterator[str]:
    """What was decided, a line each."""
    for place, line in enumerate(every):
        more, half = len(every) - _DECISIONS_SHOWN, _DECISIONS_SHOWN // 2
        if more > 0 and place == half:
            yield counted(
                more, "({count} decision more: report --json)", "({count} decisions more: report --json)"
            )
        if more <= 0 or not half <= place < len(every) - half:
            yield f"{act_words(line.act):<11} {moment(line.at)}  {decided_words(line)}".rstrip()
