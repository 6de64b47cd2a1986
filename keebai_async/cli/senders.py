"""Several senders of one command: `--sender ID`, and `--sender ID@NAME` for one of another token.

That token is in the environment, as KEEBAI_API_TOKEN_NAME, or it is that of the profile NAME. Every command
that sends opens a client for each such variable, and asks the profiles where a part is of none of them, so a
list that was planned with it goes on without a word: a part says whose it is.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.config.files import token_of_profile
from keebai_async.credentials import Token
from keebai_async.environment import VariableNames
from keebai_async.errors import InvalidInput
from keebai_async.lazy_names import LazyModule
from keebai_async.model.sender import Sender

if TYPE_CHECKING:
    import keebai_async.campaign_host as hosting
else:  # for an annotation
    hosting = LazyModule("keebai_async.campaign_host")

CHANNEL = "channel:"


@contextmanager
def named_tokens(texts: Sequence[str], variables: VariableNames) -> Iterator[None]:
    """Inside `with` the environment has the tokens of the profiles that `--sender` names.

    Raises:
        InvalidInput: one of *texts* is no sender, or its profile does not give its token.
    """
    added: list[str] = []
    try:
        for _, name in map(sender_in, texts):
            variable = f"{variables.token}_{name}"
            if name and not os.environ.get(variable) and (token := token_of_profile(name)):
                os.environ[variable] = token
                added.append(variable)
        yield
    finally:
        for variable in added:
            os.environ.pop(variable, None)


def other_tokens(environment: Mapping[str, str], variables: VariableNames) -> Iterator[str]:
    """The tokens that the environment has beside the own one, each once."""
    start = f"{variables.token}_"
    found = (value for name, value in sorted(environment.items()) if name.startswith(start) and value)
    return iter(dict.fromkeys(found))


def senders_of(
    texts: Sequence[str], keebai: CampaignClient, variables: VariableNames
) -> "list[hosting.AnySender]":
    """The senders that `--sender` names, with the clients of their tokens, which *keebai* knows.

    Raises:
        InvalidInput: one of them is no sender, or its token is not in the environment.
    """
    return [_sender_of(text, keebai, variables) for text in texts]


def sender_in(text: str) -> tuple[Sender, str]:
    """A sender as it is written, and the name of its token, empty for the own one. Raises InvalidInput."""
    named, at, token = text.partition("@")
    if (at and not token) or not named.removeprefix(CHANNEL):
        raise InvalidInput(
            f"{text!r} names no sender: write ID, channel:ID, or ID@NAME for one of another token",
            field="--sender",
            value=text,
        )
    if named.startswith(CHANNEL):
        return Sender(channel_id=named.removeprefix(CHANNEL)), token
    return Sender(phone_number_id=named), token


def _sender_of(text: str, keebai: CampaignClient, variables: VariableNames) -> "hosting.AnySender":
    sender, name = sender_in(text)
    if not name:
        return sender
    variable = f"{variables.token}_{name}"
    token = os.environ.get(variable)
    if not token:
        raise InvalidInput(
            f"no token for {text}: set {variable}, or make a profile {name}", field="--sender", value=text
        )
    mark = Token(token).mark(variable)
    known = (keebai, *keebai.campaigns.clients)
    return sender, next(each for each in known if each.token_mark(variable) == mark)
