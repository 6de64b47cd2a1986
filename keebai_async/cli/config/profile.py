"""What a configuration file says: profiles by name, each in the place of environment variables. Pure.

A token is a secret, so a file does not hold it: it says where it is, in the system's keyring, in another
variable, or what prints it. A project's file comes with a folder that others may have written, so it has no
say about secrets at all: neither which one is sent, nor what runs to get it, nor where it goes.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput

Given = str | int | float | bool


class Setting(msgspec.Struct, frozen=True):
    """A name in a profile, the environment variable in whose place it stands, and what it means."""

    name: str
    variable: str
    means: str


PRICES_VARIABLE: Final = "KEEBAI_PRICES"

SETTINGS: Final = (
    Setting("phone_number_id", "KEEBAI_PHONE_NUMBER_ID", "the sender, by Meta's id"),
    Setting("channel_id", "KEEBAI_CHANNEL_ID", "the sender, by the service's id"),
    Setting("journal", "KEEBAI_JOURNAL", "where campaigns are kept"),
    Setting("quota", "KEEBAI_QUOTA", "the limits of the token"),
    Setting("quota_store", "KEEBAI_QUOTA_STORE", "where the spending is kept"),
    Setting("default_region", "KEEBAI_DEFAULT_REGION", "the country of numbers without a plus"),
    Setting("unit_cost", "KEEBAI_UNIT_COST", "what one message costs"),
    Setting("currency", "KEEBAI_CURRENCY", "the currency of the price"),
    Setting("lang", "KEEBAI_LANG", "the language of what is printed: en, es or pt"),
    Setting("daily_limit", "KEEBAI_DAILY_LIMIT", "the people of a day, of all campaigns together"),
    Setting("prices", PRICES_VARIABLE, "the table of prices by country and category"),
    Setting("base_url", "KEEBAI_BASE_URL", "another address of the service"),
    Setting("poll_floor", "KEEBAI_POLL_FLOOR", "seconds between two looks at one broadcast, at least"),
    Setting("lease", "KEEBAI_LEASE", "seconds of silence after which others go on with a campaign"),
    Setting("stop_words", "KEEBAI_STOP_WORDS", "messages by which people opt out"),
    Setting("resume_words", "KEEBAI_RESUME_WORDS", "messages by which they come back"),
    Setting("stop_buttons", "KEEBAI_STOP_BUTTONS", "taps by which people opt out"),
    Setting("user", "KEEBAI_USER", "who you are, as it is kept of what you decide"),
    Setting("two_people", "KEEBAI_TWO_PEOPLE", "whether somebody else has to launch what you plan"),
    Setting("whautomate_host", "WHAUTOMATE_API_HOST", "the region of the second service"),
    Setting("whautomate_quota", "WHAUTOMATE_QUOTA", "its limits"),
)
"""In the order in which they are shown."""

TOKEN_NAMES: Final = ("KEEBAI_API_TOKEN", "KEEBAI_API_KEY")
"""The environment variables of the token; the first that is set counts."""

TOKEN_SOURCES: Final = ("token_keyring", "token_command", "token_env")
"""Where the token is: an entry of the keyring, a command that prints it, another environment variable."""

_NEVER_IN_A_FILE: Final = frozenset({"token", "api_token", "api_key", "key", "password", "secret"})


_OF_THE_USER: Final = {
    "base_url": "where your token goes",
    "whautomate_host": "where your token goes",
    "token_keyring": "which secret is sent",
    "token_command": "what command runs",
    "token_env": "which secret is sent",
    "user": "who you are",
}
"""What a file that is in doubt does not say, and what it would decide."""

_YES_OR_NO: Final = "two_people"
_KEPT_AT: Final = frozenset({"journal", "quota_store"})
_OF_A_SERVER: Final = re.compile(r"(?!(?:sqlite|memory):)[a-z][a-z0-9+.-]+:", re.IGNORECASE)
"""One letter is a drive: C:\\campaigns.db."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file may say what its user did not write, and what to do instead."""

    why: str
    then: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What one profile of one file says; *file* is how the file is called."""

    name: str
    file: str
    values: Mapping[str, str] = {}
    """By the names of SETTINGS."""
    token: tuple[str, str] | None = None
    """One of TOKEN_SOURCES, and what it says."""


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file: its profiles, and which of them is taken where nobody says it."""

    file: str
    profile: str | None = None
    profiles: Mapping[str, Profile] = {}


def read_config(text: str, file: str, *, doubt: Doubt | None = None) -> ConfigFile:
    """Read a file.

    Raises:
        InvalidInput: it is no TOML, names something that is not known, holds a secret, or is in *doubt* and
            decides something about secrets.
    """
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{file} is no TOML: {error}", field="config") from error
    chosen, profiles = whole.pop("profile", None), whole.pop("profiles", {})
    if whole:
        raise _unknown(next(iter(whole)), ("profile", "profiles"), file)
    if not isinstance(profiles, dict):
        raise InvalidInput(f"{file}: write profiles as [profiles.NAME]", field="config")
    if chosen is not None and not isinstance(chosen, str):
        raise InvalidInput(f"{file}: profile is a name in quotes, not {chosen!r}", field="config")
    if chosen is not None and not chosen.strip():
        raise InvalidInput(f"{file}: profile is empty: name one, or leave it out", field="config")
    read = {name: _profile(name, values, file, doubt) for name, values in profiles.items()}
    return ConfigFile(file=file, profile=chosen, profiles=read)


def _profile(name: str, given: object, file: str, doubt: Doubt | None) -> Profile:
    if not name.strip():
        raise InvalidInput(f"{file}: a profile has no name: write [profiles.NAME]", field="config")
    if not isinstance(given, dict):
        raise InvalidInput(f"{file}: write profiles as [profiles.{name}]", field="config")
    known = {setting.name for setting in SETTINGS}
    values: dict[str, str] = {}
    tokens: dict[str, str] = {}
    for key, value in given.items():
        if key in _NEVER_IN_A_FILE:
            raise InvalidInput(
                f"{file}: profile {name} holds a secret ({key}), and a file is no place for one: say"
                f" where it is, with {', '.join(TOKEN_SOURCES[:-1])} or {TOKEN_SOURCES[-1]}",
                field="config",
            )
        if key not in known and key not in TOKEN_SOURCES:
            raise _unknown(key, (*known, *TOKEN_SOURCES), f"{file}, profile {name}")
        if key == _YES_OR_NO and isinstance(value, bool):
            value = str(value).lower()
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidInput(f"{file}, profile {name}: {key} is a text or a number", field="config")
        if doubt is not None and (decides := _decides(key, str(value))):
            raise InvalidInput(
                f"{file}, profile {name}: {key} says {decides}, and {doubt.why}: {doubt.then}", field="config"
            )
        (values if key in known else tokens)[key] = str(value)
    if len(tokens) > 1:
        raise InvalidInput(f"{file}, profile {name}: choose one of {' and '.join(tokens)}", field="config")
    return Profile(name=name, file=file, values=values, token=next(iter(tokens.items()), None))


def _decides(key: str, value: str) -> str:
    """What a setting decides that is its user's alone to decide; empty if nothing."""
    if key in _KEPT_AT and _OF_A_SERVER.match(value):
        return "to which server people and passwords go"
    if key == _YES_OR_NO and value != "true":
        return "that nobody else has to launch what you plan"
    return _OF_THE_USER.get(key, "")


def _unknown(key: str, known: tuple[str, ...], where: str) -> InvalidInput:
    near = difflib.get_close_matches(key, known, n=1)
    meant = f": did you mean {near[0]}?" if near else ""
    return InvalidInput(f"{where}: {key} is not known{meant}", field="config", value=key)
