"""A small storm (`python -m tests.webhooks.storm`): what the journal knows of everybody is the truth."""

from pathlib import Path

from tests.webhooks.storm import storm


async def test_whoever_is_killed_nothing_that_was_answered_is_lost_and_everybody_s_fate_is_known(
    tmp_path: Path,
) -> None:
    tally = await storm(tmp_path, count=400, speed=60.0, receivers=2, calm=0.5)

    assert tally.besides == []
    assert (tally.people, tally.wrong, tally.lost, tally.switched_off) == (400, 0, 0, 0)
    assert tally.strikes.total() > 0
    assert tally.answered > 2 * 400
    assert tally.fates.keys() == {"failed", "delivered", "read"}
