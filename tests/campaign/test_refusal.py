"""Who is to blame for a refused chunk."""

import pytest

from keebai_async.campaign.refusal import Blame, Everybody, Halve, Ruling, Search, rule
from keebai_async.transport.error_body import ErrorBody as Body

BARE = Body(status=400, message="Bad Request")


@pytest.mark.parametrize(
    ("fault", "recipients", "trusted", "ruling"),
    [
        (
            Body(status=400, message="", field="recipients.17.to", items=(17,)),
            5_000,
            False,
            Blame((17,)),
        ),
        (
            Body(status=400, message="", field="recipients.1.to", items=(9, 1, 9)),
            10,
            False,
            Blame((1, 9)),
        ),
        (Body(status=400, message="", items=(10,)), 10, True, Search(sure=True)),
        (Body(status=413, message=""), 2, False, Halve()),
        (Body(status=413, message=""), 1, False, Blame((0,))),
        (Body(status=400, message="", field="template_name"), 5_000, True, Everybody()),
        (Body(status=400, message="", code="CHANNEL_MISSING_ACCESS_TOKEN"), 1, True, Everybody()),
        (Body(status=422, message="", code="invalid_phone"), 5_000, False, Search(sure=True)),
        (Body(status=422, message="", code="invalid_phone"), 1, False, Blame((0,))),
        (Body(status=400, message="", field="recipients"), 5_000, False, Search(sure=True)),
        (BARE, 5_000, False, Search(sure=False)),
        (BARE, 5_000, True, Search(sure=True)),
        (BARE, 1, False, Search(sure=False)),
        (BARE, 1, True, Blame((0,))),
    ],
)
def test_the_ruling_follows_what_the_reply_names(
    fault: Body, recipients: int, trusted: bool, ruling: Ruling
) -> None:
    assert rule(fault, recipients, trusted=trusted) == ruling
