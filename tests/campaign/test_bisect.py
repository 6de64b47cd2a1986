"""Who is to blame for a refused chunk, and what follows."""

import pytest

from keebai_async.campaign.bisect import Everybody, Halve, Named, Ruling, Search, rule
from keebai_async.campaign.service import Blame, Refusal
from keebai_async.transport.error_body import Fault


@pytest.mark.parametrize(
    ("blame", "items", "recipients", "trusted", "ruling"),
    [
        (Blame.SOMEBODY, (17,), 5_000, False, Named((17,))),
        (Blame.SOMEBODY, (9, 1, 9), 10, False, Named((1, 9))),
        (Blame.EVERYBODY, (1,), 10, False, Named((1,))),
        (Blame.SOMEBODY, (10,), 10, True, Search(sure=True)),
        (Blame.NOT_SAID, (-1,), 10, True, Search(sure=True)),
        (Blame.SIZE, (), 2, False, Halve()),
        (Blame.SIZE, (), 1, False, Named((0,))),
        (Blame.EVERYBODY, (), 5_000, True, Everybody()),
        (Blame.EVERYBODY, (), 1, True, Everybody()),
        (Blame.SOMEBODY, (), 5_000, False, Search(sure=True)),
        (Blame.SOMEBODY, (), 1, False, Named((0,))),
        (Blame.NOT_SAID, (), 5_000, False, Search(sure=False)),
        (Blame.NOT_SAID, (), 5_000, True, Search(sure=True)),
        (Blame.NOT_SAID, (), 1, False, Search(sure=False)),
        (Blame.NOT_SAID, (), 1, True, Named((0,))),
    ],
)
def test_the_ruling_follows_what_the_reply_names(
    blame: Blame, items: tuple[int, ...], recipients: int, trusted: bool, ruling: Ruling
) -> None:
    refusal = Refusal(fault=Fault(status=400, message="", items=items), blame=blame)
    assert rule(refusal, recipients, trusted=trusted) == ruling
