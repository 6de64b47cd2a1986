"""Opt-outs in Python: kept in the client's journal, in any spelling, and heeded by single templates."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keebai_async import InvalidInput, Keebai, OptedOut, OptOutSource
from keebai_async.sandbox import Sandbox

ANA, ANA_WITHOUT_9, BETO = "+5491155550101", "+541155550101", "+5215512345678"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
async def keebai(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Keebai]:
    async with Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=tmp_path / "campaigns.db",
        limiter="memory:",
    ) as keebai:
        yield keebai


async def order(keebai: Keebai, to: str, *, once: str | None = None, ignore: bool = False) -> None:
    await keebai.messages.send_template(
        to,
        template="order_confirmation",
        language="es",
        variables={"nombre": "Ana"},
        once=once,
        ignore_opt_outs=ignore,
    )


async def test_people_are_added_found_and_removed(keebai: Keebai) -> None:
    assert await keebai.opt_outs.add(ANA, BETO) == 2
    assert await keebai.opt_outs.add(ANA_WITHOUT_9) == 0

    found = await keebai.opt_outs.find(ANA_WITHOUT_9)
    assert found is not None
    assert (found.source, found.number) == (OptOutSource.HAND, ANA)
    assert {each.number async for each in keebai.opt_outs.list()} == {ANA, "+525512345678"}
    assert await keebai.opt_outs.remove("+525512345678", "+5491155559999") == 1
    assert await keebai.opt_outs.find(BETO) is None
    for wrong in ("011 15 5555", "nobody"):
        with pytest.raises(InvalidInput):
            await keebai.opt_outs.find(wrong)
        with pytest.raises(InvalidInput):
            await keebai.opt_outs.add(ANA, wrong)


async def test_a_template_is_not_sent_to_who_opted_out_unless_it_is_said(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    await keebai.opt_outs.add(ANA)

    with pytest.raises(OptedOut) as refused:
        await order(keebai, ANA_WITHOUT_9)
    with pytest.raises(OptedOut):
        await order(keebai.with_options(timeout=5.0), ANA)

    assert (refused.value.source, refused.value.field, sandbox.ledger.total) == ("hand", "to", 0)
    assert "5550101" not in str(refused.value)
    await order(keebai, ANA, ignore=True)
    await order(keebai, BETO)
    await keebai.messages.send_text(ANA, "Hola")
    assert sandbox.ledger.total == 3


async def test_what_was_sent_once_is_told_again_also_after_an_opt_out(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    await order(keebai, ANA, once="A-17")
    await keebai.opt_outs.add(ANA)

    await order(keebai, ANA, once="A-17")
    with pytest.raises(OptedOut):
        await order(keebai, ANA, once="A-18")

    assert sandbox.ledger.total == 1


async def test_a_client_without_a_journal_keeps_them_as_long_as_it_lives(sandbox: Sandbox) -> None:
    async with Keebai(
        sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id, journal="memory:"
    ) as keebai:
        await keebai.opt_outs.add(ANA)
        with pytest.raises(OptedOut):
            await order(keebai, ANA)
