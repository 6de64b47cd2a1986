"""What `--json` prints: one object a line on stdout, each with a `type`."""

from collections.abc import Iterable

import msgspec

from keebai_async.cli.estimate import Estimate, Price
from keebai_async.cli.output import answer_json
from keebai_async.cli.shown import shown_number
from keebai_async.model.plan import CountryCount, Plan, Preview, SuppressListCount


class PlannedChunk(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    recipients: int


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A row that will not be sent; *to* is masked."""

    row: int
    field: str
    to: str
    detail: str
    repeats_row: int | None = None


class ReasonLine(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    count: int
    examples: tuple[Example, ...]


class PlanLine(msgspec.Struct, frozen=True, kw_only=True, tag="plan", tag_field="type", omit_defaults=True):
    """The counts of a plan, its chunks, why others are left out, and what it takes.

    *requests*, and the seconds of *submitting* and *delivering*, are estimates.
    """

    campaign_id: str
    name: str
    template: str
    language: str
    read: int
    ready: int
    duplicates: int
    rejected: int
    suppressed: int
    chunks: tuple[PlannedChunk, ...]
    reasons: tuple[ReasonLine, ...]
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]
    fingerprint: str
    requests: int
    submitting: float
    delivering: float
    countries: tuple[CountryCount, ...] = ()
    suppress_lists: tuple[SuppressListCount, ...] = ()
    preview: str | None = None
    previews: tuple[Preview, ...] = ()
    source: str = ""
    sheet: str = ""
    first_row: int = 0
    last_row: int = 0
    price: float | None = None
    currency: str | None = None


def plan_line(plan: Plan, estimate: Estimate, price: Price | None = None) -> PlanLine:
    """A plan in the words of the command's interface, without anybody's whole number."""
    return PlanLine(
        campaign_id=plan.campaign_id,
        name=plan.name,
        template=plan.template,
        language=plan.language,
        read=plan.read,
        ready=plan.ready,
        duplicates=plan.duplicates,
        rejected=plan.rejected,
        suppressed=plan.suppressed,
        chunks=tuple(
            PlannedChunk(number=number, recipients=recipients)
            for number, recipients in enumerate(plan.chunks, start=1)
        ),
        reasons=tuple(_reasons(plan)),
        ignored_columns=plan.ignored_columns,
        notes=plan.notes,
        fingerprint=plan.fingerprint,
        requests=estimate.requests,
        submitting=estimate.submitting,
        delivering=round(estimate.delivering, 1),
        countries=plan.countries,
        suppress_lists=plan.suppress_lists,
        preview=plan.preview,
        previews=plan.previews,
        source=plan.source,
        sheet=plan.sheet,
        first_row=plan.first_row,
        last_row=plan.last_row,
        price=None if price is None else round(price.unit * plan.ready, 4),
        currency=None if price is None else price.currency,
    )


def _reasons(plan: Plan) -> Iterable[ReasonLine]:
    for reason in plan.reasons:
        examples = tuple(
            Example(
                row=example.row,
                field=example.field,
                to=shown_number(example.to),
                detail=example.detail,
                repeats_row=example.repeats_row,
            )
            for example in reason.examples
        )
        yield ReasonLine(reason=reason.reason.value, count=reason.count, examples=examples)


def typed(kind: str, thing: msgspec.Struct) -> dict[str, object]:
    """Any Struct of the vocabulary as an object of this type."""
    fields = msgspec.json.decode(msgspec.json.encode(thing), type=dict[str, object])
    return {"type": kind} | {key: value for key, value in fields.items() if key != "type"}


def emit(thing: object) -> None:
    """Print one line now, so that a reader at the other end of a pipe sees it as it happens."""
    answer_json(msgspec.json.encode(thing))
