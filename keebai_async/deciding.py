"""Who decides: the name that is given, else that of KEEBAI_USER, else that of the login."""

from collections.abc import Mapping
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.model.decided import Decider, checked_name
from keebai_async.storage.process import login_of_this_process

USER_VARIABLE: Final = "KEEBAI_USER"
"""Who works with the program, where several people share a login."""


def decider(by: str | None, environment: Mapping[str, str]) -> Decider:
    """The person who decides now. Raises InvalidInput if a name that was given is none."""
    user, host = login_of_this_process()
    login = f"{user}@{host}".removeprefix("@")
    if by is not None:
        return Decider(name=checked_name(by), login=login)
    if named := environment.get(USER_VARIABLE):
        try:
            return Decider(name=checked_name(named), login=login)
        except InvalidInput as error:
            raise InvalidInput(f"{USER_VARIABLE}: {error}", field=USER_VARIABLE) from error
    return Decider(name=user, login=login)
