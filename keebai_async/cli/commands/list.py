"""The command `list`."""

from keebai_async.cli.commands.status import status
from keebai_async.cli.options import JournalOption, JsonOption, QuotaStoreOption


def list_(
    journal: JournalOption = None, quota_store: QuotaStoreOption = None, json: JsonOption = False
) -> None:
    """List all campaigns, newest first; the same as `status` without an id.

    Example: keebai-async list
    """
    status(None, journal, quota_store, json)
