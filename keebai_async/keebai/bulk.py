"""The service that a running campaign sees: submit this body, read that broadcast, is anybody there."""

from keebai_async.errors import NotFound, ScopeMissing
from keebai_async.keebai.account import me
from keebai_async.keebai.api import KeebaiApi, submit_request
from keebai_async.keebai.broadcasts import BULK_PATH, Broadcasts
from keebai_async.keebai.templates import Templates
from keebai_async.model.progress import Progress
from keebai_async.model.requests import Requests
from keebai_async.model.template import Template
from keebai_async.quota.gate import Lane
from keebai_async.transport.exchange import Exchange, Leaving
from keebai_async.transport.verdict import SubmitPolicy, Verdict


class CampaignService:
    """Keebai, as a campaign needs it. *requests* counts what left through this object."""

    def __init__(self, exchange: Exchange, *, policy: SubmitPolicy | None = None) -> None:
        self.requests = Requests()
        self._exchange = exchange
        self._policy = policy
        self._api = KeebaiApi(exchange=exchange, requests=self.requests)
        self._broadcasts = Broadcasts(self._api)

    async def submit(self, body: bytes, *, recipients: int, leaving: Leaving) -> Verdict:
        """Make one attempt at POST /messages/bulk, and say what it means.

        *leaving* is awaited when the quota has given a place, before the first byte is written; if
        it raises, nothing is sent and its exception comes out.
        """
        request = submit_request(BULK_PATH, body, recipients=recipients, lane=Lane.SUBMIT)
        return await self._exchange.submit_once(
            request, leaving=leaving, tally=self.requests, policy=self._policy
        )

    async def template(self, name: str, language: str) -> Template:
        """The template as the service lists it. Raises TemplateUnusable, or RequestError."""
        return await Templates(self._api).get(name, language)

    async def progress(self, broadcast_id: str) -> Progress:
        """Read where a broadcast stands. Raises RequestError."""
        return (await self._broadcasts.status(broadcast_id)).progress

    async def probe(self) -> None:
        """Make one cheap read without retries. Raises RequestError if the service does not answer it.

        GET /me needs no scope. Where it does not exist, a list of one template does; that the token may
        not read it is an answer too.
        """
        try:
            await me(self._api, once=True)
        except NotFound:
            try:
                await self._api.read("/templates", query=(("limit", "1"),), once=True)
            except ScopeMissing:
                return
