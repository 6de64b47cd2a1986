"""Which value holds, and where it comes from: the environment, a project's file, the user's file. Pure."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from keebai_async.cli.config.profile import SETTINGS, TOKEN_NAMES, ConfigFile, Profile
from keebai_async.errors import InvalidInput

PROFILE_VARIABLE: Final = "KEEBAI_PROFILE"

NOTHING_SAID: Final[Mapping[str, str]] = MappingProxyType({})

_SENDER: Final = ("phone_number_id", "channel_id")


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What holds under the name of a setting: the *value*, and *where* it comes from, in words."""

    name: str
    variable: str
    value: str
    where: str
    from_file: bool = False


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is set, in the order of SETTINGS, and where the token is, if a file says it."""

    profile: str | None
    chosen: tuple[Chosen, ...]
    token: tuple[str, str] | None = None
    token_where: str = ""
    """Where the token comes from, in words; empty if from nowhere."""

    @property
    def for_environment(self) -> dict[str, str]:
        """What the files add to the environment, without the token."""
        return {each.variable: each.value for each in self.chosen if each.from_file}


def resolve(
    files: Sequence[ConfigFile],
    environment: Mapping[str, str],
    named: str | None,
    *,
    said: Mapping[str, str] = NOTHING_SAID,
) -> Resolved:
    """Choose a profile and its values: the environment goes before *files*, and these in their order.

    Before all of them goes what was *said* as a flag, by variable. *named* is the profile that was asked for.
    Without it KEEBAI_PROFILE counts, then what a file says.

    Raises:
        InvalidInput: no file has a profile of that name, or a name is empty: taking another profile for it
            would send from another account.
    """
    name = _name(environment, named)
    if name is None:
        name = next((each.profile for each in files if each.profile), None)
    profiles = list(_of_name(name, files))
    if name is not None and not profiles:
        raise _no_such(name, files)
    token = next((one for one in profiles if one.token is not None), None)
    in_environment = next((each for each in TOKEN_NAMES if environment.get(each)), None)
    where = f"the environment ({in_environment})" if in_environment else ""
    if token is not None and token.token is not None and not where:
        where = f"{token.token[0]} of {token.file}, profile {token.name}"
    return Resolved(
        profile=name,
        chosen=tuple(_chosen(profiles, environment, said)),
        token=None if token is None or in_environment else token.token,
        token_where=where,
    )


def _name(environment: Mapping[str, str], named: str | None) -> str | None:
    """The profile that the flag asks for, else the environment; None if neither does."""
    if named is not None and not named.strip():
        raise InvalidInput("the name of the profile is empty: name one, or leave it out", field="--profile")
    in_environment = environment.get(PROFILE_VARIABLE)
    if named is None and in_environment is not None and not in_environment.strip():
        raise InvalidInput(
            f"{PROFILE_VARIABLE} is empty: name a profile, or unset it", field=PROFILE_VARIABLE
        )
    return in_environment if named is None else named


def _of_name(name: str | None, files: Iterable[ConfigFile]) -> Iterator[Profile]:
    for file in files:
        if name is not None and name in file.profiles:
            yield file.profiles[name]


def _chosen(
    profiles: Sequence[Profile], environment: Mapping[str, str], flags: Mapping[str, str]
) -> Iterator[Chosen]:
    # One sender: who names it in one way takes the other way's place, too.
    sender = next((one for one in profiles if any(name in one.values for name in _SENDER)), None)
    said = any(environment.get(setting.variable) for setting in SETTINGS if setting.name in _SENDER)
    for setting in SETTINGS:
        if value := flags.get(setting.variable):
            yield Chosen(name=setting.name, variable=setting.variable, value=value, where="a flag")
            continue
        if value := environment.get(setting.variable):
            yield Chosen(name=setting.name, variable=setting.variable, value=value, where="the environment")
            continue
        among = profiles
        if setting.name in _SENDER:
            among = [] if said or sender is None else [sender]
        one = next((one for one in among if setting.name in one.values), None)
        if one is not None:
            yield Chosen(
                name=setting.name,
                variable=setting.variable,
                value=one.values[setting.name],
                where=f"{one.file}, profile {one.name}",
                from_file=True,
            )


def _no_such(name: str, files: Iterable[ConfigFile]) -> InvalidInput:
    known = sorted({each for file in files for each in file.profiles})
    near = difflib.get_close_matches(name, known, n=1)
    meant = f": did you mean {near[0]}?" if near else f": there are {', '.join(known)}" if known else ""
    where = " or ".join(file.file for file in files)
    looked = f" in {where}{meant}" if where else ", and no file of profiles: config show says where one goes"
    return InvalidInput(f"there is no profile {name}{looked}", field="--profile", value=name)


def shown_token(resolved: Resolved) -> Chosen:
    """The token as it is shown: never its text."""
    where = resolved.token_where
    value = "set" if where else "not set"
    return Chosen(name="token", variable=TOKEN_NAMES[0], value=value, where=where)
