"""Every exception we raise on purpose. The class says what the caller can do next:

KeebaiError
    InvalidInput            before any request: fix the input (field, value, row)
        UnusableSource      the file or list as a whole cannot be read
        PlanTooLarge        a limit that the caller set on people or cost
        OptedOut            the person asked for no more: nothing was sent (source, since)
        TemplateUnusable    the template is unknown, in another language, not approved, or not fed
    Misused                 the program's mistake: a closed client, a second event loop
    QuotaUnusable           the store of the spending cannot be reached; nothing was sent
    SpoolUnusable           webhooks cannot be put on disk; the service is asked to repeat them
    MessageBusy             once: somebody else is sending the message of this key, or it is too early
    CampaignError           campaign_id
        CampaignNotFound    no such campaign in this journal
        CampaignBusy        another process runs it, or it was run before
            AlreadyLaunched the same list was launched before, or its people got the same a short time ago
            PeoplePurged    the people who are still to be sent to were removed
        SamePerson          who planned it would launch it, and two people are demanded
        AnotherToken        it was launched with another token than this client has
        ForbiddenMove       a chunk or a run was asked to go where its life does not lead
        JournalUnusable     the disk is full, the file is read-only, corrupt, or from a newer version
    RequestError            method, path, status, attempts, code
        TokenRejected       401: get another token
        ScopeMissing        403: required, missing
        NotFound            404
        RequestInvalid      400, 413, 422: the server's words, field and item when it names them
        Conflict            409: not now
        RateLimited         429: retry_after, in seconds
            QuotaExhausted  no place in the quota comes within the call's time; nothing was sent
        ServerFailed        5xx on a read, after the retries
        ConnectionFailed    no byte of the request was written
        TimedOut            a read took too long, after the retries
        Undecodable         a reply that cannot be understood
        OutcomeUnknown      perhaps sent, perhaps not: a person decides (campaign_id, chunk, recipients)
"""

from datetime import datetime
from typing import Required, TypedDict, Unpack


class KeebaiError(Exception):
    """Base of every exception that this library raises on purpose. It survives pickle and copy."""

    def __reduce__(self) -> tuple[object, ...]:
        # The usual way calls the class with its args alone, and ours need more than a message.
        return _restored, (type(self), self.args, dict(vars(self)))


def _restored(kind: type[KeebaiError], args: tuple[object, ...], facts: dict[str, object]) -> KeebaiError:
    error = kind.__new__(kind, *args)
    vars(error).update(facts)
    return error


class InvalidInput(KeebaiError):
    """Something the caller gave cannot be used. Nothing was sent.

    *value* is shown to people: mask what is private before it comes here.
    """

    def __init__(
        self, message: str, *, field: str | None = None, value: str | None = None, row: int | None = None
    ) -> None:
        super().__init__(message)
        self.field = field
        self.value = value
        self.row = row


class UnusableSource(InvalidInput):
    """The list of people cannot be read: missing, empty, binary, in another encoding, without a number."""


class PlanTooLarge(InvalidInput):
    """More people would be messaged, or more spent, than the caller allowed."""


class OptedOut(InvalidInput):
    """The person wants no more messages, and nobody said that this one is to go out all the same.

    *source* says how that is known, and *since* when, in UTC.
    """

    def __init__(self, message: str, *, source: str = "", since: datetime | None = None) -> None:
        super().__init__(message, field="to")
        self.source = source
        self.since = since


class TemplateUnusable(InvalidInput):
    """The template does not exist in that language, is not approved, or has a variable nobody feeds."""


class Misused(KeebaiError):
    """The program uses the library in a way that cannot work, such as a client in two event loops."""


class QuotaUnusable(KeebaiError):
    """Where the spending of the token is kept cannot be reached or read, so no request left."""


class SpoolUnusable(KeebaiError):
    """What webhooks told cannot be put on disk, or read from it."""


class MessageBusy(KeebaiError):
    """The message of the key *once* is being sent by somebody else, or cannot be settled yet."""

    def __init__(self, message: str, *, once: str | None = None) -> None:
        super().__init__(message)
        self.once = once


class CampaignError(KeebaiError):
    """Something about one campaign as a whole."""

    def __init__(self, message: str, *, campaign_id: str | None = None) -> None:
        super().__init__(message)
        self.campaign_id = campaign_id


class CampaignNotFound(CampaignError):
    """The journal holds no campaign of this id."""


class CampaignBusy(CampaignError):
    """The campaign cannot be started now: it runs elsewhere, or has been run already."""


class AlreadyLaunched(CampaignBusy):
    """The same was launched before, or its people got it from another campaign a short time ago."""


class PeoplePurged(CampaignBusy):
    """The people who are still to be sent to were removed from the journal."""


class SamePerson(CampaignError):
    """Two people are demanded, and who would launch the campaign planned it, or one of them is not known."""


class AnotherToken(CampaignError):
    """The campaign was launched with another token, and nobody said that this one is meant."""


class ForbiddenMove(CampaignError):
    """A chunk or a run was asked for a change of state that its life does not allow."""


class JournalUnusable(CampaignError):
    """What must be on disk cannot be put there, so nothing is submitted.

    *temporary* says that it may work in a while: another process keeps the file locked, the disk is full.
    """

    def __init__(self, message: str, *, campaign_id: str | None = None, temporary: bool = False) -> None:
        super().__init__(message, campaign_id=campaign_id)
        self.temporary = temporary


class RequestFacts(TypedDict, total=False):
    """Where and how a request ended: what every RequestError carries."""

    method: Required[str]
    path: Required[str]
    status: int | None
    attempts: int
    code: str | None


class RequestError(KeebaiError):
    """A request did not end well. *attempts* counts how often it was made."""

    def __init__(self, message: str, **at: Unpack[RequestFacts]) -> None:
        super().__init__(message)
        self.method = at["method"]
        self.path = at["path"]
        self.status = at.get("status")
        self.attempts = at.get("attempts", 1)
        self.code = at.get("code")


class TokenRejected(RequestError):
    """401: the token is missing, malformed, revoked or expired, or its owner is deactivated."""


class ScopeMissing(RequestError):
    """403: the token may not do this; *missing* are the scopes of *required* that it lacks."""

    def __init__(
        self,
        message: str,
        *,
        required: tuple[str, ...] = (),
        missing: tuple[str, ...] = (),
        **at: Unpack[RequestFacts],
    ) -> None:
        super().__init__(message, **at)
        self.required = required
        self.missing = missing


class NotFound(RequestError):
    """404: the broadcast, channel or sender does not exist, or belongs to somebody else."""


class RequestInvalid(RequestError):
    """400, 413 or 422: the request as it stands will never be accepted.

    *field* is what the server named (`recipients.17.to`), *item* the index inside a list (17).
    """

    def __init__(
        self, message: str, *, field: str | None = None, item: int | None = None, **at: Unpack[RequestFacts]
    ) -> None:
        super().__init__(message, **at)
        self.field = field
        self.item = item


class Conflict(RequestError):
    """409: the thing is in a state that does not allow this now."""


class RateLimited(RequestError):
    """429: not accepted, and nothing with this token will be for *retry_after* seconds."""

    def __init__(self, message: str, *, retry_after: float = 0.0, **at: Unpack[RequestFacts]) -> None:
        super().__init__(message, **at)
        self.retry_after = retry_after


class QuotaExhausted(RateLimited):
    """No place in the quota comes within the call's `timeout` or the client's `longest_quota_wait`: nothing
    was sent.

    *retry_after* is how long one would take, in seconds, as far as the quota of this side tells.
    """


class ServerFailed(RequestError):
    """The service answered a read with 5xx, or with a redirect, until the retries were spent."""


class ConnectionFailed(RequestError):
    """No byte of the request was written: name not resolved, refused, TLS failed, connect timed out."""


class TimedOut(RequestError):
    """A read had no answer in time, or lost its connection, until the retries were spent."""


class Undecodable(RequestError):
    """The service accepted or answered, but its words cannot be understood."""


class OutcomeUnknown(RequestError):
    """A request that may message people went out and what became of it is not known.

    It is never sent again by itself: look in the portal, then decide.
    """

    def __init__(
        self,
        message: str,
        *,
        recipients: int = 1,
        campaign_id: str | None = None,
        chunk: int | None = None,
        **at: Unpack[RequestFacts],
    ) -> None:
        super().__init__(message, **at)
        self.recipients = recipients
        self.campaign_id = campaign_id
        self.chunk = chunk
