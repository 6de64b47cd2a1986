"""Find the files of profiles, and get the token that one of them points to."""

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import platformdirs

from keebai_async.cli.config.profile import (
    PRICES_VARIABLE,
    TOKEN_NAMES,
    ConfigFile,
    Doubt,
    Profile,
    read_config,
)
from keebai_async.cli.config.sources import Resolved, resolve
from keebai_async.deciding import USER_VARIABLE
from keebai_async.environment import JOURNAL_VARIABLE
from keebai_async.errors import InvalidInput
from keebai_async.model.decided import checked_name

PROJECT_FILE: Final = "keebai-async.toml"
"""Looked for in this folder and those above it."""

_LONGEST_COMMAND: Final = 30.0
"""Seconds in which a command has to print the token."""


ROOT: Final = 0
"""The user who may write every file anyway."""


def user_file() -> Path:
    """The user's own file, whether it is there or not."""
    return platformdirs.user_config_path("keebai-async") / "config.toml"


def project_file() -> Path | None:
    """The nearest file of a project; None if there is none."""
    try:
        here = Path.cwd()
    except OSError:  # a folder that is gone
        return None
    places = (folder / PROJECT_FILE for folder in (here, *here.parents))
    return next((place for place in places if _is_there(place)), None)


def config_files() -> list[ConfigFile]:
    """Those that are there, the project's first. Raises InvalidInput."""
    found = list[ConfigFile]()
    project, user = project_file(), user_file()
    if project is not None:
        found.append(_read(project, of_project()))
    if _is_there(user):
        found.append(_read(user, _doubt_of(user)))
    return found


def of_project() -> Doubt:
    """Why what a project's file says may not be its user's word."""
    return Doubt(
        why="others may have written a project's file",
        then=f"say it in {user_file()}, or in the environment",
    )


def _doubt_of(path: Path) -> Doubt | None:
    """Why somebody else may have written the user's own file; None if nobody else can have."""
    if os.name != "posix":
        return None
    for place in (path, path.parent):
        try:
            found = place.stat()
        except OSError:  # it is gone, and reading it says so
            continue
        if found.st_uid not in {os.geteuid(), ROOT}:
            return Doubt(
                why=f"{place} belongs to another user", then="make it yours, once you have read what it says"
            )
        if found.st_mode & stat.S_IWOTH:
            return Doubt(
                why=f"everybody on this machine may write {place}",
                then="chmod o-w it, once you have read what it says",
            )
    return None


def _is_there(path: Path) -> bool:
    """Whether a file is there; what lies in a folder that we may not look into is not there for us."""
    try:
        return path.is_file()
    except OSError:
        return False


def _read(path: Path, doubt: Doubt | None) -> ConfigFile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInput(f"cannot read {path}: {why}", field="config") from error
    return read_config(text, str(path), doubt=doubt)


@contextmanager
def profile_applied(named: str | None, *, user: str | None = None) -> Iterator[Resolved]:
    """Inside `with` the environment has what the profile adds to it, and who the *user* is, if said.

    Raises InvalidInput.
    """
    said = {} if user is None else {USER_VARIABLE: _named(user)}
    resolved = resolve(config_files(), os.environ, named, said=said)
    token: dict[str, str] = {}
    if resolved.token is not None:
        token[TOKEN_NAMES[0]] = _token(*resolved.token, profile=resolved.profile or "")
    with _added(resolved.for_environment | token | said):
        yield resolved


@contextmanager
def profile_without_token(named: str | None) -> Iterator[None]:
    """The same for who only looks into the journal: no keyring is asked, and no command run."""
    with _added(resolve(config_files(), os.environ, named).for_environment):
        yield


@contextmanager
def _added(added: dict[str, str]) -> Iterator[None]:
    for name in (JOURNAL_VARIABLE, PRICES_VARIABLE):
        if (path := added.get(name)) and path.startswith("~"):
            added[name] = str(Path(path).expanduser())
    before = {name: os.environ[name] for name in added if name in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
        os.environ.update(before)


def _named(user: str) -> str:
    try:
        return checked_name(user)
    except InvalidInput as error:
        raise InvalidInput(str(error), field="--as") from error


def token_of_profile(name: str) -> str | None:
    """The token of a profile, by its name in any case; None if no file has one. Raises InvalidInput."""
    found = next((each for each in _with_token() if each.name.lower() == name.lower()), None)
    return None if found is None or found.token is None else _token(*found.token, profile=found.name)


def tokens_of_profiles() -> Iterator[str]:
    """Those of all profiles, each asked for when its turn comes; one that cannot be had is passed over."""
    for each in _with_token():
        if each.token is not None:
            with suppress(InvalidInput):
                yield _token(*each.token, profile=each.name)


def _with_token() -> Iterator[Profile]:
    return (one for file in config_files() for one in file.profiles.values() if one.token is not None)


def _token(source: str, says: str, *, profile: str) -> str:
    """Get the token from where a profile says that it is. Raises InvalidInput, which never shows it."""
    match source:
        case "token_keyring":
            return _from_keyring(says, profile)
        case "token_command":
            return _printed_by(_words(says), source)
        case _:
            if token := os.environ.get(says):
                return token
            raise InvalidInput(f"profile {profile}: {says} is not set", field="token")


def _from_keyring(service: str, profile: str) -> str:
    """Ask the program `keyring`, which knows the keyrings of all systems."""
    import shutil

    if (program := shutil.which("keyring")) is None:
        raise InvalidInput(
            f"profile {profile}: to read the keyring, install keyring (pip install keyring); to put a token"
            f" there: keyring set {service} {profile}",
            field="token",
        )
    return _printed_by([program, "get", service, profile], f"keyring get {service} {profile}")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"token_command: {error}", field="token") from error
    if not words:
        raise InvalidInput("token_command is empty", field="token")
    return words


def _printed_by(words: list[str], called: str) -> str:
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - the user's own file names it
            words, stdout=subprocess.PIPE, timeout=_LONGEST_COMMAND, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        late = f"{called} took longer than {_LONGEST_COMMAND:g} s"
        raise InvalidInput(late, field="token") from error
    except OSError as error:
        raise InvalidInput(f"{called}: {words[0]}: {error.strerror or error}", field="token") from error
    printed = done.stdout.decode(errors="replace").strip()
    if done.returncode or not printed:
        said = "printed nothing" if not done.returncode else f"ended with {done.returncode}"
        raise InvalidInput(f"{called} {said}: {words[0]}", field="token")
    return printed.splitlines()[0].strip()
