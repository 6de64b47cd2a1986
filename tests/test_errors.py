"""Every exception goes whole through pickle, copy and a pool of processes, as job runners need it."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import pytest

from keebai_async import errors
from keebai_async.errors import (
    InvalidInput,
    KeebaiError,
    OptedOut,
    OutcomeUnknown,
    RateLimited,
    RequestError,
    RequestInvalid,
    ScopeMissing,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KeebaiError)]


def made(kind: type[KeebaiError]) -> KeebaiError:
    path = "/messages/bulk"
    if issubclass(kind, RateLimited):
        return kind("words", method="POST", path=path, retry_after=60.0)
    if kind is OutcomeUnknown:
        return OutcomeUnknown("words", method="POST", path=path, recipients=5_000, campaign_id="c", chunk=3)
    if kind is RequestInvalid:
        return RequestInvalid("words", method="POST", path=path, field="recipients.17.to", item=17)
    if kind is ScopeMissing:
        return ScopeMissing("words", method="POST", path=path, required=("a", "b"), missing=("b",))
    if issubclass(kind, RequestError):
        return kind("words", method="POST", path=path, status=502, attempts=2, code="UPSTREAM_ERROR")
    if kind is OptedOut:
        return OptedOut("words", source="word", since=datetime(2026, 11, 26, tzinfo=UTC))
    return kind("words")


def pickled(error: KeebaiError) -> object:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("through", [pickled, copy.copy, copy.deepcopy])
def test_an_error_survives_with_all_its_facts(
    kind: type[KeebaiError], through: Callable[[KeebaiError], object]
) -> None:
    error = made(kind)
    error.add_note("seen in Buenos Aires")

    again = through(error)

    assert type(again) is kind
    assert isinstance(again, KeebaiError)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def test_an_error_whose_words_were_changed_keeps_them() -> None:
    error = InvalidInput("words", field="to", value="…", row=12)
    error.args = ("other words",)

    again = pickled(error)

    assert isinstance(again, InvalidInput)
    assert (str(again), again.field, again.value, again.row) == ("other words", "to", "…", 12)


def fails() -> None:
    raise OutcomeUnknown("lost", recipients=5_000, campaign_id="c", chunk=3, method="POST", path="/m")


def test_an_error_comes_back_from_another_process() -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool, pytest.raises(OutcomeUnknown) as raised:
        pool.submit(fails).result()

    assert (raised.value.recipients, raised.value.campaign_id, raised.value.chunk) == (5_000, "c", 3)
