"""Real campaigns of people who can be told apart: no record, line, span or metric names one of them."""

import re
from collections.abc import Iterable

import msgspec
import pytest

from keebai_async.errors import RequestError
from keebai_async.observe import Record
from keebai_async.observe.campaign_records import RunStarted
from keebai_async.sandbox import Sandbox, faults
from tests.observe.campaigns import BULK, listened, number_of, plan, run
from tests.observe.collected import Collected
from tests.observe.test_observe_privacy import everything_logged, exported

PEOPLE = 40
DIGITS = {number_of(person).lstrip("+") for person in range(PEOPLE)}


def secrets_in(texts: Iterable[str], sandbox: Sandbox) -> set[str]:
    """What no text may hold, and one of these does."""
    found: set[str] = set()
    for text in texts:
        digits = re.sub(r"[\s().\-/+]", "", text)
        found |= {number for number in DIGITS if number in digits or number[3:] in digits}
        found |= {word for word in (sandbox.token, "M-7", "Ana", "Hola") if word in text}
    return found


@pytest.mark.parametrize("name", [f"para {number_of(7)}", "para +54 9 236 471-8507", number_of(7)])
async def test_a_campaign_named_after_a_number_with_every_trouble_tells_nobodys_number(
    collected: Collected, name: str
) -> None:
    told: list[Record] = []
    with everything_logged() as log:
        async with listened(told.append, collected.observer) as (sandbox, keebai):
            sandbox.faults.on(BULK, faults.Status(status=429, accepted=False), nth=1)
            sandbox.faults.on(BULK, faults.Status(status=400, accepted=False), nth=2)
            sandbox.faults.on(BULK, faults.Reset(), nth=5)
            sandbox.malformed.add(number_of(33))
            planned = await plan(keebai, PEOPLE, chunk_size=10, name=name)
            await run(keebai, planned.campaign_id)
            sandbox.faults.on("POST /messages/text", faults.Reset())
            with pytest.raises(RequestError):
                await keebai.messages.send_text(number_of(3), "Hola")
            with pytest.raises(RequestError):
                await keebai.broadcasts.status(number_of(3).lstrip("+"))

    assert any(isinstance(record, RunStarted) for record in told)
    said = [msgspec.json.encode(record).decode() for record in told] + [repr(record) for record in told]
    said += log.getvalue().splitlines()
    said += exported(collected)
    assert "observer failed" not in log.getvalue()
    assert secrets_in(said, sandbox) == set()
