"""That somebody wants a campaign to run, by any supervisor of its journal. Pure."""

from keebai_async.model.campaign import Holder
from keebai_async.model.reached import Reached
from keebai_async.model.result import Result


class Want(Result, frozen=True, kw_only=True):
    """A campaign that is to run from the Unix time *at* on, until nothing is left to do or somebody stops it.

    *held* is a pause that outlives its process: nobody takes the campaign up before it is resumed. *again*
    and *agreed* are those of `start`: what somebody has seen and agreed to, and no more. *account* and *salt*
    say whose it is: the hash of the token of those who wanted it, keyed with the salt. *waits* is true while
    nothing is left of it but what a person, or a proof, has to settle. *tries* is how many runs in a row
    ended with something that passes by itself, for which *at* was put off. *holder* is the process that runs
    it now.
    """

    campaign_id: str
    at: float
    held: bool = False
    again: bool = False
    agreed: tuple[Reached, ...] = ()
    account: str = ""
    salt: str = ""
    waits: bool = False
    tries: int = 0
    holder: Holder | None = None
