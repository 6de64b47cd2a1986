"""The words for what is counted and for where things stand: the same on the screen and on pages. Pure."""

from keebai_async.cli.language import phrase
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Reason
from keebai_async.model.report import Report
from keebai_async.model.situation import Standing

Terms = tuple[tuple[str, int], ...]
"""The parts of a sum: what each is called, and how many they are."""


def list_terms(of: Plan | Report) -> Terms:
    """The terms of the rows that were read."""
    return (
        (phrase("ready"), of.ready),
        (phrase("duplicates"), of.duplicates),
        (phrase("rejected"), of.rejected),
        (phrase("suppressed"), of.suppressed),
    )


def ready_terms(report: Report) -> Terms:
    """The terms of the people who were ready."""
    return (
        (phrase("accepted"), report.accepted),
        (phrase("refused"), report.refused),
        (phrase("unknown"), report.unknown),
        (phrase("on their way"), report.on_the_way),
        (phrase("abandoned"), report.abandoned),
        (phrase("unsent"), report.unsent),
    )


def accepted_terms(report: Report) -> Terms:
    """The terms of the people whom the service accepted."""
    return (
        (phrase("sent"), report.sent),
        (phrase("failed"), report.failed),
        (phrase("pending"), report.pending),
        (phrase("untracked"), report.untracked),
    )


def standing_words(standing: Standing | CampaignState) -> str:
    """Where a campaign stands: `running`."""
    return phrase(standing.value, about="campaign")


def chunk_words(state: ChunkState) -> str:
    """Where a chunk stands: `accepted`."""
    return phrase(state.value, about="chunk")


def reason_words(reason: Reason) -> str:
    """Why rows are not sent: `bad number`."""
    return phrase(reason.value, about="reason")


def test_mark(of: Plan | Report) -> str:
    """What stands behind the name of a test; empty for a campaign."""
    return f" ({phrase('a test')})" if of.test else ""
