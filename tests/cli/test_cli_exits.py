"""A script that looks only at the exit code is never told that all is well when it is not."""

import msgspec
import pytest

from keebai_async.cli import error_line
from keebai_async.cli.campaign_codes import code_of
from keebai_async.cli.error_line import cause_of
from keebai_async.cli.exit_codes import Exit, code_of_error
from keebai_async.environment import VariableNames
from keebai_async.errors import (
    CampaignNotFound,
    ConnectionFailed,
    InvalidInput,
    JournalUnusable,
    KeebaiError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeMissing,
    ServerFailed,
    TokenRejected,
    Undecodable,
    UnusableSource,
)
from keebai_async.keebai.settings import KEEBAI_VARIABLES
from keebai_async.model.campaign import CampaignState
from keebai_async.model.report import Report
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause
from keebai_async.whautomate.settings import WHAUTOMATE_VARIABLES


def line_of(error: BaseException, variables: VariableNames = KEEBAI_VARIABLES) -> str:
    return error_line.line_of(error, variables)


DONE = Report(
    campaign_id="promo-1",
    name="Promo",
    state=CampaignState.FINISHED,
    read=10,
    ready=10,
    duplicates=0,
    rejected=0,
    suppressed=0,
    accepted=10,
    refused=0,
    unknown=0,
    abandoned=0,
    unsent=0,
    sent=10,
    failed=0,
    pending=0,
    untracked=0,
    chunks=(),
    requests=Requests(),
    seconds=1.0,
)


def ended(**changes: object) -> Report:
    return msgspec.convert(msgspec.to_builtins(DONE) | changes, Report)


def test_everyone_sent_is_done() -> None:
    assert code_of(DONE) is Exit.DONE


def test_not_waiting_for_delivery_is_done() -> None:
    report = ended(state=CampaignState.STOPPED, stopped_by=Cause.NOT_TRACKED, sent=0, pending=10)

    assert code_of(report) is Exit.DONE


@pytest.mark.parametrize("people", ["failed", "refused", "untracked", "abandoned"])
def test_people_who_were_not_reached_for_certain_are_told(people: str) -> None:
    assert code_of(ended(**{people: 1})) is Exit.PARTLY


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (Cause.TOKEN, Exit.TOKEN),
        (Cause.SCOPE, Exit.TOKEN),
        (Cause.GUARD, Exit.GUARD),
        (Cause.UNKNOWN, Exit.UNKNOWN),
        (Cause.INTERRUPTED, Exit.INTERRUPTED),
        (Cause.REFUSED, Exit.FAILED),
        (Cause.NOT_FOUND, Exit.FAILED),
        (Cause.UNREACHABLE, Exit.FAILED),
        (Cause.THROTTLED, Exit.FAILED),
        (Cause.JOURNAL, Exit.FAILED),
    ],
)
def test_why_a_campaign_stopped_is_its_exit_code(cause: Cause, code: Exit) -> None:
    assert code_of(ended(state=CampaignState.STOPPED, stopped_by=cause, unsent=5)) is code


def test_every_cause_but_an_end_in_good_order_is_a_code_of_its_own_or_a_failure() -> None:
    codes = {cause: code_of(ended(state=CampaignState.STOPPED, stopped_by=cause)) for cause in Cause}

    assert [cause for cause, code in codes.items() if code is Exit.DONE] == [Cause.SETTLED, Cause.NOT_TRACKED]


@pytest.mark.parametrize("cause", [None, Cause.TOKEN, Cause.GUARD, Cause.UNREACHABLE])
def test_an_unknown_chunk_outweighs_every_other_reason(cause: Cause | None) -> None:
    report = ended(stopped_by=None if cause is None else cause, unknown=5, failed=1)

    assert code_of(report) is Exit.UNKNOWN


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("no"), Exit.USAGE),
        (UnusableSource("no"), Exit.USAGE),
        (CampaignNotFound("no"), Exit.USAGE),
        (TokenRejected("no", method="GET", path="/me"), Exit.TOKEN),
        (ScopeMissing("no", method="GET", path="/me"), Exit.TOKEN),
        (OutcomeUnknown("no", method="POST", path="/messages/text"), Exit.UNKNOWN),
        (ConnectionFailed("no", method="GET", path="/me"), Exit.FAILED),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (ZeroDivisionError(), Exit.FAILED),
    ],
)
def test_an_error_is_an_exit_code(error: BaseException, code: Exit) -> None:
    assert code_of_error(error) is code


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("max_cost", "--max-cost: "),
        ("default_region", "--default-region: "),
        ("poll_floor", "KEEBAI_POLL_FLOOR: "),
        ("base_url", "KEEBAI_BASE_URL: "),
        ("nombre", "nombre: "),
    ],
)
def test_a_field_of_the_library_is_named_as_the_user_typed_it(field: str, place: str) -> None:
    assert line_of(InvalidInput("is wrong", field=field)) == f"error: {place}is wrong"


@pytest.mark.parametrize(
    ("field", "typed", "place"),
    [
        ("quota", ("doctor", "--set-quota", "60"), "--set-quota: "),
        ("quota", ("plan",), "KEEBAI_QUOTA: "),
        ("quota_store", ("plan", "--quota-store=x:"), "--quota-store: "),
        ("quota_store", ("plan",), "KEEBAI_QUOTA_STORE: "),
        ("journal", ("plan", "--journal", "x:"), "--journal: "),
        ("journal", ("plan",), "KEEBAI_JOURNAL: "),
        ("to", ("send", "--to", "1"), "--to: "),
        ("to", ("plan",), "to: "),
    ],
)
def test_what_was_typed_is_named_and_else_where_it_came_from(
    field: str, typed: tuple[str, ...], place: str
) -> None:
    error = InvalidInput("is wrong, too", field=field)

    assert error_line.line_of(error, KEEBAI_VARIABLES, typed) == f"error: {place}is wrong, too"


def test_fields_inside_a_sentence_are_options_too() -> None:
    error = InvalidInput("max_cost needs unit_cost", field="max_cost")

    assert line_of(error) == "error: --max-cost needs --unit-cost"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (CampaignNotFound("there is no campaign x"), "; see: keebai-async list"),
        (
            NotFound("404", method="GET", path="/templates"),
            "; another service may have answered: check KEEBAI_BASE_URL, and any proxy",
        ),
        (
            NotFound("404", method="GET", path="/messages/bulk/66aa"),
            "; check the id, and that it belongs to this token's account",
        ),
        (
            NotFound("404", method="POST", path="/messages/template"),
            "; nothing was sent; see: keebai-async numbers, and keebai-async templates",
        ),
        (
            Undecodable("no JSON", method="GET", path="/me"),
            "; another service may have answered: check KEEBAI_BASE_URL, and any proxy",
        ),
        (Undecodable("taken", method="POST", path="/messages/text"), ""),
        (
            ServerFailed("500", method="GET", path="/me", status=500, attempts=3),
            " (3 attempts); nothing was changed, try again in some minutes",
        ),
        (
            ServerFailed("307", method="GET", path="/me", status=307, attempts=3),
            " (3 attempts); check KEEBAI_BASE_URL",
        ),
    ],
)
def test_what_to_do_is_said_with_what_happened(error: KeebaiError, advice: str) -> None:
    assert line_of(error) == f"error: {error}{advice}"


@pytest.mark.parametrize(
    ("command", "advice"), [("launch", "; all that was submitted before is written down"), ("list", "")]
)
def test_only_who_may_have_submitted_is_told_that_it_is_written_down(command: str, advice: str) -> None:
    error = JournalUnusable("the disk is full")

    assert error_line.line_of(error, KEEBAI_VARIABLES, (command,)) == f"error: the disk is full{advice}"


def test_a_field_of_whautomate_is_its_own_variable() -> None:
    line = line_of(InvalidInput("is wrong", field="quota"), WHAUTOMATE_VARIABLES)

    assert line == "error: WHAUTOMATE_QUOTA: is wrong"


def test_one_of_our_errors_in_a_group_is_the_one_that_is_told() -> None:
    ours = InvalidInput("fix it")
    group = BaseExceptionGroup("", [ValueError("no"), BaseExceptionGroup("", [OSError(), ours])])

    assert cause_of(group) is ours


def test_a_line_says_where_what_and_what_to_do() -> None:
    assert line_of(InvalidInput("not a number", field="to", row=17)) == "error: row 17, to: not a number"
    assert "KEEBAI_API_TOKEN" in line_of(TokenRejected("401", method="GET", path="/me"))
    assert "messages:bulk" in line_of(
        ScopeMissing("403", method="POST", path="/messages/bulk", missing=("messages:bulk",))
    )
    assert "in 60 s" in line_of(RateLimited("429", method="GET", path="/me", retry_after=60.0))


@pytest.mark.parametrize("words", ["two\nlines", "a\x1b[2Jterminal", "a\r\nheader"])
def test_a_servers_words_stay_on_one_line_and_move_no_cursor(words: str) -> None:
    line = line_of(KeebaiError(words))

    assert line.isprintable()


def test_an_unexpected_error_names_its_class_and_how_to_see_more() -> None:
    line = line_of(ZeroDivisionError("division by zero"))

    assert "ZeroDivisionError" in line
    assert "KEEBAI_DEBUG=1" in line
