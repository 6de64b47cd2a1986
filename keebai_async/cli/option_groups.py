"""Groups of options that commands share. A command takes the Struct, its user types one option a field."""

import enum
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace

from keebai_async.campaign.terms import NewTerms
from keebai_async.cli.options import (
    DAILY_LIMIT_VARIABLE,
    GUARDS_PANEL,
    LIST_PANEL,
    SANDBOX_PANEL,
    WHEN_PANEL,
    ExcelOption,
    HoursOption,
    IgnoreOptOutsOption,
    JsonOption,
    LangOption,
    NewDailyLimitOption,
    PaceOption,
    PerDayOption,
    PerHourOption,
    RejectsOption,
    SpeedOption,
    StopAboveOption,
    ZoneOption,
    given_share,
)
from keebai_async.cli.when import given_at, given_hours, given_people, given_span, new_terms
from keebai_async.errors import InvalidInput
from keebai_async.model.cost import Price
from keebai_async.model.plan import Guards, Pace, Plan
from keebai_async.planning.options import exactly
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.price_table import read_price_table
from keebai_async.sources.query import QueryRows


class ExtraVariables(enum.Enum):
    """What to do with a variable that the template does not have."""

    REJECT = "reject"
    DROP = "drop"


class WithoutPlus(enum.Enum):
    """What numbers without a plus begin with."""

    REGION = "region"
    INTERNATIONAL = "international"


SuppressOption = Annotated[
    list[str] | None,
    typer.Option(
        "--suppress",
        metavar="FILE",
        help="People who must get nothing: numbers in lines, a CSV, Excel or JSON Lines. A row without a"
        " number that can be read stops everything. Repeatable.",
        rich_help_panel=LIST_PANEL,
    ),
]
NoMarksOption = Annotated[
    bool,
    typer.Option(
        "--no-marks",
        help="Give people no mark in meta_data. Webhooks then cannot say whose they are.",
        rich_help_panel=LIST_PANEL,
    ),
]
NotWithinOption = Annotated[
    str | None,
    typer.Option(
        "--not-within",
        metavar="TIME",
        help="Leave out everybody to whom a campaign of this journal was sent in this time before: 3d, 12h.",
        rich_help_panel=LIST_PANEL,
    ),
]
MaxRecipientsOption = Annotated[
    int | None,
    typer.Option(
        "--max-recipients",
        min=1,
        metavar="N",
        help="Refuse a list with more than N ready people.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
UnitCostOption = Annotated[
    float | None,
    typer.Option(
        "--unit-cost",
        envvar="KEEBAI_UNIT_COST",
        show_envvar=False,
        min=0.0,
        metavar="COST",
        help="What one message costs, to show the price. --prices go before it.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
CurrencyOption = Annotated[
    str,
    typer.Option(
        "--currency",
        envvar="KEEBAI_CURRENCY",
        show_envvar=False,
        help="The currency of the price, as it is shown, where --prices names none.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        envvar="KEEBAI_PRICES",
        show_envvar=False,
        metavar="FILE",
        help="What a message costs by country and category: Meta's rate card as a CSV, or lines of"
        " country,category,price.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
MaxCostOption = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        min=0.0,
        metavar="COST",
        help="Refuse a list that costs more than this; needs --prices or --unit-cost.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
CanaryOption = Annotated[
    int | None,
    typer.Option(
        "--canary",
        min=1,
        metavar="N",
        help="Send to the first N people, wait for their end, and go on only if few enough of them fail.",
        rich_help_panel=GUARDS_PANEL,
    ),
]


SqlOption = Annotated[
    str | None,
    typer.Option(
        "--sql",
        metavar="QUERY",
        help="The people are the rows of this query, in the place of a FILE; needs --from.",
        rich_help_panel=LIST_PANEL,
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="URL",
        help="The database that --sql asks, and only reads: postgresql://USER@HOST/DATABASE (the password"
        " from PGPASSWORD or ~/.pgpass), sqlite:FILE, duckdb:FILE, or as SQLAlchemy names it.",
        rich_help_panel=LIST_PANEL,
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Submit nothing before that: 2026-12-01T09:00:00-03:00, or without its offset by the clocks of"
        " --zone. The command waits; with --detach a worker does.",
        rich_help_panel=WHEN_PANEL,
    ),
]


class CampaignOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign takes from a list, and what guards it."""

    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", help="The campaign's name in the portal. Default: the file's name and the date."
        ),
    ] = None
    sql: SqlOption = None
    from_: DatabaseOption = None
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="FIELD=COLUMN",
            help="Which column holds the number or a variable: to=phone. Repeatable.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    delimiter: Annotated[
        str | None,
        typer.Option(
            "--delimiter",
            metavar="CHARACTER",
            help="What stands between the columns of a CSV. Default: found by itself.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            metavar="NAME",
            help="The encoding of a text, such as windows-1252. Default: UTF-8, or UTF-16 with its mark.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet",
            metavar="NAME",
            help="Which sheet of an Excel file. Default: the one that is shown when it is opened.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    hidden_rows: Annotated[
        bool,
        typer.Option(
            "--hidden-rows",
            help="Read also the rows of an Excel file that are hidden or filtered out.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = False
    default_region: Annotated[
        str | None,
        typer.Option(
            "--default-region",
            envvar="KEEBAI_DEFAULT_REGION",
            show_envvar=False,
            metavar="AR",
            help="The country of numbers without a plus."
            " Needs the extra phones: pip install 'keebai-async\\[phones]'.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    numbers: Annotated[
        WithoutPlus,
        typer.Option(
            "--numbers",
            help="What numbers without a plus are: of --default-region, or international, which means that"
            " they begin with their country code.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = WithoutPlus.REGION
    countries: Annotated[
        str | None,
        typer.Option(
            "--countries",
            metavar="AR,UY",
            help="Send to numbers of these countries only; the rows of all others are rejected.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    suppress: SuppressOption = None
    ignore_opt_outs: IgnoreOptOutsOption = False
    extra_variables: Annotated[
        ExtraVariables,
        typer.Option(
            "--extra-variables",
            help="In rows of the service's own shape: what to do with a variable that the template lacks.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = ExtraVariables.REJECT
    fix_whitespace: Annotated[
        bool,
        typer.Option(
            "--fix-whitespace",
            help="Replace line breaks, tabs and many spaces in values by one space,"
            " instead of rejecting the row.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = False
    no_marks: NoMarksOption = False
    test_to: Annotated[
        list[str] | None,
        typer.Option(
            "--test-to",
            metavar="NUMBER",
            help="Send to this number only, with the variables of the first row. Repeatable.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            metavar="N",
            help="Take only the first N ready people, to try it out.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    rest_of: Annotated[
        list[str] | None,
        typer.Option(
            "--rest-of",
            metavar="CAMPAIGN",
            help="Leave out everybody whom this campaign reached, such as one with --limit. Repeatable.",
            rich_help_panel=LIST_PANEL,
        ),
    ] = None
    not_within: NotWithinOption = None
    max_recipients: MaxRecipientsOption = None
    unit_cost: UnitCostOption = None
    prices: PricesOption = None
    currency: CurrencyOption = "USD"
    max_cost: MaxCostOption = None
    canary: CanaryOption = None
    stop_above: StopAboveOption = None
    pace: PaceOption = None
    at: AtOption = None
    hours: HoursOption = None
    zone: ZoneOption = None
    per_hour: PerHourOption = None
    per_day: PerDayOption = None
    daily_limit: NewDailyLimitOption = None

    @property
    def guards(self) -> Guards:
        return Guards(stop_above=self.stops_above, canary=self.canary)

    @property
    def stops_above(self) -> float | None:
        """The share that may fail. Raises InvalidInput."""
        return given_share(self.stop_above, option="--stop-above")

    @property
    def plan_options(self) -> PlanOptions:
        """Raises InvalidInput if they make no sense."""
        return PlanOptions(
            limit=self.limit,
            default_region=self.default_region,
            numbers="international" if self.numbers is WithoutPlus.INTERNATIONAL else "region",
            countries=_countries(self.countries),
            extra_variables="drop" if self.extra_variables is ExtraVariables.DROP else "reject",
            fix_whitespace=self.fix_whitespace,
            suppress=tuple(Path(file) for file in self.suppress or ()),
            ignore_opt_outs=self.ignore_opt_outs,
            rest_of=tuple(self.rest_of or ()),
            not_within=given_span(self.not_within, option="--not-within"),
            max_recipients=self.max_recipients,
            unit_cost=self.unit_cost,
            prices=self.prices,
            currency=self.currency,
            max_cost=self.max_cost,
            test_to=tuple(self.test_to or ()),
            guards=self.guards,
            marks=not self.no_marks,
            pace=None if self.pace is None or self.pace.lower() == "off" else Pace.parse(self.pace),
            at=given_at(self.at, self.zone, now=time.time()),
            hours=given_hours(self.hours, self.zone, at=self.at),
            per_hour=given_people(self.per_hour, option="--per-hour"),
            per_day=given_people(self.per_day, option="--per-day"),
            daily_limit=given_people(self.daily_limit, option="--daily-limit"),
        )

    def terms_for(self, plan: Plan, environment: Mapping[str, str]) -> NewTerms:
        """What can still be said of a *plan* that is made, but for its guards.

        The daily limit of the *environment* lowers that of the plan, and never raises it.
        """
        terms = new_terms(
            self.at,
            self.hours,
            self.zone,
            self.per_hour,
            self.per_day,
            pace=self.pace,
            daily_limit=self.daily_limit,
        )
        own, usual = plan.daily_limit, environment.get(DAILY_LIMIT_VARIABLE)
        if own is None or self.daily_limit != usual:
            return terms
        lower = isinstance(terms.daily_limit, int) and terms.daily_limit < own
        return terms if lower else replace(terms, daily_limit=None)

    def priced(self, plan: Plan) -> Plan:
        """A *plan* that is made already, at the prices that were given. Raises InvalidInput."""
        if self.prices is not None:
            table = read_price_table(self.prices, currency=self.currency)
            rates = table.rates(plan.category, [country.region for country in plan.countries])
            return msgspec.structs.replace(plan, rates=rates)
        if self.unit_cost is None:
            return plan
        price = Price(unit=exactly(self.unit_cost), currency=self.currency)
        return msgspec.structs.replace(plan, price=price, rates=None)

    @property
    def for_a_list(self) -> list[str]:
        """The options given that say something of a list: a plan that is made already cannot follow them."""
        mine, plain = msgspec.structs.asdict(self), msgspec.structs.asdict(CampaignOptions())
        given = [
            name for name, value in mine.items() if value != plain[name] and name not in _ALSO_FOR_A_PLAN
        ]
        return [f"--{name.strip('_').replace('_', '-')}" for name in given]

    def people(self, file: str | None) -> str | QueryRows:
        """The path of the *file* that was named, or the query. Raises InvalidInput unless it is one."""
        if self.sql is None and self.from_ is None and file is not None:
            return file
        if file is not None:
            raise InvalidInput(
                "the people are those of a FILE, or those of --sql: leave one out", field="sql"
            )
        if self.sql is None and self.from_ is None:
            raise InvalidInput("say who the people are: a FILE, or --sql QUERY --from URL", field="file")
        if self.from_ is None or not self.from_.strip():
            raise InvalidInput("say which database --sql asks: --from URL", field="from")
        if self.sql is None or not self.sql.strip():
            raise InvalidInput("say what is asked of the database: --sql QUERY", field="sql")
        return QueryRows(self.from_, self.sql)


def _countries(given: str | None) -> tuple[str, ...]:
    """Raises InvalidInput if none is named: that would mean all of them."""
    if given is None:
        return ()
    named = tuple(filter(None, map(str.strip, given.upper().split(","))))
    if not named:
        raise InvalidInput("name at least one country, such as AR, or leave it out", field="countries")
    return named


_ALSO_FOR_A_PLAN = {
    *("stop_above", "pace", "unit_cost", "prices", "currency", "ignore_opt_outs"),
    *("at", "hours", "zone", "per_hour", "per_day", "daily_limit"),
}
"""What can still be said of a plan that is made."""


class RetryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of a retry: whom else to leave out, and what guards it."""

    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Its name in the portal. Default: that of the other, (retry)."),
    ] = None
    suppress: SuppressOption = None
    no_marks: NoMarksOption = False
    not_within: NotWithinOption = None
    max_recipients: MaxRecipientsOption = None
    unit_cost: UnitCostOption = None
    prices: PricesOption = None
    currency: CurrencyOption = "USD"
    max_cost: MaxCostOption = None
    canary: CanaryOption = None
    stop_above: StopAboveOption = None
    pace: PaceOption = None
    hours: HoursOption = None
    zone: ZoneOption = None
    per_hour: PerHourOption = None
    per_day: PerDayOption = None
    daily_limit: NewDailyLimitOption = None

    @property
    def as_for_a_list(self) -> CampaignOptions:
        """The same, as a campaign from a list takes them."""
        return CampaignOptions(**msgspec.structs.asdict(self))


class SandboxChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox that ends with the command, instead of the real service."""

    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="Use a sandbox on this machine that ends with the command, not the real service.",
            rich_help_panel=SANDBOX_PANEL,
        ),
    ] = False
    speed: SpeedOption = 1.0


class OutputOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is written where."""

    rejects: RejectsOption = None
    excel: ExcelOption = False
    json: JsonOption = False
    lang: LangOption = None
