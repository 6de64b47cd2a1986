"""What somebody knows of a campaign that is not theirs any more: the answer to their own last submit.

A process is frozen, or cut off from the database, for longer than its lease; another takes the campaign over
and cannot know what was answered. When the first one wakes it changes nothing of the campaign, for that is no
longer its right. But the answer that it holds is no guess: thrown away, people would stay unknown although
somebody knew.
"""

from msgspec.structs import replace

from keebai_async.journal import proof, rules, wants
from keebai_async.journal.leases import Leases
from keebai_async.journal.moving import put
from keebai_async.journal.reading import campaign_of, chunk_of
from keebai_async.journal.tables import ChunkRow, MoveRow, Tables
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Accept, Lose, Submit, TakeBack, apply
from keebai_async.model.remainder import left_settled
from keebai_async.model.stop import Cause


def testify(
    tables: Tables, leases: Leases, campaign_id: str, submit: Submit, answer: Accept | TakeBack, *, at: float
) -> Chunk | None:
    """Enter *answer*, if *submit* is the last one of its chunk; gives the chunk after it, if it changed.

    Where its people were cut into other chunks meanwhile, or were submitted again, because somebody said that
    they had not arrived, the answer says of them what a delivery notice would: they are held back, or may
    have got it twice.
    """
    campaign_of(tables, campaign_id)
    row = chunk_of(tables, campaign_id, submit.number)
    is_the_last = _is_the_last(tables, campaign_id, submit, row.chunk.step)
    is_refused = row.chunk.state is ChunkState.REFUSED
    if isinstance(answer, Accept):
        if is_refused and _is_in_the_journal(tables, campaign_id, submit):
            proof.hold_back(tables, leases, campaign_id, submit.number, at=at)
        if not is_the_last and _was_lost(tables, campaign_id, submit):
            proof.notice_earlier(tables, leases, campaign_id, submit.number, at=at)
    if is_refused or not is_the_last:
        return None
    if isinstance(answer, Accept) and _is_another_s(tables, row, answer.broadcast_id):
        answer = replace(answer, broadcast_id=None)
    move = rules.late(row.chunk, submit, answer)
    if move is None:
        return None
    chunk = put(tables, row, move, apply(row.chunk, move), at=at)
    if leases.holder(tables, campaign_id) is None:
        _say_what_is_left(tables, campaign_id, at=at)
    return chunk


def _is_the_last(tables: Tables, campaign_id: str, submit: Submit, last: int) -> bool:
    """Whether *submit* is in the journal as it was written, and none of its chunk came after it."""
    for step in range(last, submit.step, -1):
        later = tables.get(MoveRow, campaign_id, submit.number, step)
        if later is None or isinstance(later.move, Submit):
            return False
    return _is_in_the_journal(tables, campaign_id, submit)


def _is_in_the_journal(tables: Tables, campaign_id: str, submit: Submit) -> bool:
    own = tables.get(MoveRow, campaign_id, submit.number, submit.step)
    return own is not None and own.move == submit


def _was_lost(tables: Tables, campaign_id: str, submit: Submit) -> bool:
    """Whether nobody knew what was answered to *submit* when its chunk went on."""
    after = tables.get(MoveRow, campaign_id, submit.number, submit.step + 1)
    lost = after is not None and isinstance(after.move, Lose)
    return lost and _is_in_the_journal(tables, campaign_id, submit)


def _is_another_s(tables: Tables, row: ChunkRow, broadcast_id: str | None) -> bool:
    return broadcast_id is not None and any(
        each.chunk.broadcast_id == broadcast_id and each.key != row.key
        for each in tables.rows(ChunkRow, row.campaign_id)
    )


def _say_what_is_left(tables: Tables, campaign_id: str, *, at: float) -> None:
    """Nobody runs it: where it was left because something was unknown, it may be another reason now."""
    campaign = campaign_of(tables, campaign_id)
    if campaign.stopped_by is not Cause.UNKNOWN:
        return
    left = left_settled(each.chunk for each in tables.rows(ChunkRow, campaign_id))
    wants.keep_state(
        tables,
        replace(
            campaign,
            state=CampaignState.FINISHED if left is None else CampaignState.STOPPED,
            reason=None if left is None else left.reason,
            stopped_by=None if left is None else left.cause,
        ),
        at=at,
    )
