"""Profiles: the flag, the environment, the project's file, the user's; and no secret in any file."""

import os
import sys
from pathlib import Path

import pytest

from keebai_async.cli.config import files as config_places
from keebai_async.cli.config.files import profile_applied
from keebai_async.cli.config.profile import ConfigFile, read_config
from keebai_async.cli.config.sources import Resolved, resolve, shown_token
from keebai_async.cli.exit_codes import Exit
from keebai_async.errors import InvalidInput
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO

USER = """
profile = "shop"

[profiles.shop]
token_env = "SHOP_TOKEN"
phone_number_id = "1000"
default_region = "AR"
unit_cost = 0.0618

[profiles.bank]
token_keyring = "keebai"
channel_id = "c-9"
"""
PROJECT = """
[profiles.shop]
default_region = "BR"
journal = "campaigns.db"
"""


@pytest.fixture
def user() -> ConfigFile:
    return read_config(USER, "user.toml", of_project=False)


@pytest.fixture
def project() -> ConfigFile:
    return read_config(PROJECT, "project.toml", of_project=True)


def values(resolved: Resolved) -> dict[str, tuple[str, str]]:
    return {each.name: (each.value, each.where) for each in resolved.chosen}


def test_a_profile_stands_in_for_the_environment_and_says_where_each_value_comes_from(
    project: ConfigFile, user: ConfigFile
) -> None:
    resolved = resolve([project, user], {"KEEBAI_JOURNAL": "here.db"}, None)

    assert resolved.profile == "shop"
    assert values(resolved) == {
        "phone_number_id": ("1000", "user.toml, profile shop"),
        "journal": ("here.db", "the environment"),
        "default_region": ("BR", "project.toml, profile shop"),
        "unit_cost": ("0.0618", "user.toml, profile shop"),
    }
    assert resolved.for_environment == {
        "KEEBAI_PHONE_NUMBER_ID": "1000",
        "KEEBAI_DEFAULT_REGION": "BR",
        "KEEBAI_UNIT_COST": "0.0618",
    }
    assert shown_token(resolved).where == "token_env of user.toml, profile shop"


def test_the_flag_goes_before_the_variable_and_that_before_the_file(user: ConfigFile) -> None:
    environment = {"KEEBAI_PROFILE": "bank"}

    assert resolve([user], environment, None).profile == "bank"
    assert resolve([user], environment, "shop").profile == "shop"
    assert resolve([user], {}, None).profile == "shop"
    assert resolve([], {}, None).profile is None


@pytest.mark.parametrize("variable", ["KEEBAI_PHONE_NUMBER_ID", "KEEBAI_CHANNEL_ID"])
def test_a_sender_of_the_environment_leaves_no_other_one_of_a_file(user: ConfigFile, variable: str) -> None:
    resolved = resolve([user], {variable: "2000"}, "bank")

    assert not set(resolved.for_environment) & {"KEEBAI_PHONE_NUMBER_ID", "KEEBAI_CHANNEL_ID"}


def test_a_sender_of_the_project_leaves_no_other_one_of_the_user(user: ConfigFile) -> None:
    project = read_config('[profiles.bank]\nphone_number_id = "7"', "project.toml", of_project=True)

    assert resolve([project, user], {}, "bank").for_environment == {"KEEBAI_PHONE_NUMBER_ID": "7"}


def test_a_token_of_the_environment_goes_before_every_file(user: ConfigFile) -> None:
    resolved = resolve([user], {"KEEBAI_API_KEY": "kbai_pk_1"}, None)

    assert resolved.token is None
    assert shown_token(resolved).where == "the environment (KEEBAI_API_KEY)"


def test_a_profile_that_nobody_has_is_told_with_the_nearest(user: ConfigFile) -> None:
    with pytest.raises(InvalidInput, match=r"no profile shpo in user\.toml: did you mean shop\?"):
        resolve([user], {}, "shpo")
    with pytest.raises(InvalidInput, match="no file of profiles was found"):
        resolve([], {}, "shop")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("profile = ", "f.toml is no TOML"),
        ('profil = "a"', "profil is not known: did you mean profile?"),
        ("profile = 3", "profile is a name in quotes"),
        ("profiles = 3", r"write profiles as [profiles.NAME]"),
        ("[profiles]\na = 1", r"write profiles as [profiles.a]"),
        ("[profiles.a]\ndefault_regio = 'AR'", "default_regio is not known: did you mean default_region?"),
        ("[profiles.a]\ntoken = 'kbai_pk_secret'", "a file is no place for one"),
        ("[profiles.a]\njournal = true", "journal is a text or a number"),
        ("[profiles.a]\ntoken_env = 'A'\ntoken_command = 'b'", "choose one of token_env and token_command"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line_that_names_it(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as told:
        read_config(text, "f.toml", of_project=False)

    assert words in str(told.value)
    assert "f.toml" in str(told.value)
    assert "\n" not in str(told.value)
    assert "kbai_pk_secret" not in str(told.value)


def test_a_file_of_a_project_runs_no_command() -> None:
    text = "[profiles.a]\ntoken_command = 'rm -rf /'"

    with pytest.raises(InvalidInput, match="cannot name a command"):
        read_config(text, "f.toml", of_project=True)
    assert read_config(text, "f.toml", of_project=False).profiles["a"].token == ("token_command", "rm -rf /")


def at_home(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """A user whose file says *text*, and no token in the environment."""
    monkeypatch.chdir(folder)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(config_places, "user_file", lambda: folder / "config.toml")
    for name in [name for name in os.environ if name.startswith("KEEBAI_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("source", ["command", "env"])
def test_a_token_is_there_while_a_command_runs_and_gone_after(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    python = sys.executable.replace("\\", "/")
    says = {"command": f"\"{python} -c 'print(40 + 2)'\"", "env": '"SHOP_TOKEN"'}[source]
    at_home(monkeypatch, tmp_path, f"[profiles.shop]\ntoken_{source} = {says}\njournal = '~/c.db'")
    monkeypatch.setenv("SHOP_TOKEN", "42")

    with profile_applied("shop"):
        assert os.environ["KEEBAI_API_TOKEN"] == "42"
        assert os.environ["KEEBAI_JOURNAL"] == str(Path("~/c.db").expanduser())
    assert "KEEBAI_API_TOKEN" not in os.environ
    assert "KEEBAI_JOURNAL" not in os.environ


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("no-such-program-at-all", "token_command: no-such-program-at-all: No such file"),
        ("false", "token_command ended with 1: false"),
        ("true", "token_command printed nothing: true"),
        ("", "token_command is empty"),
        ("'", "token_command: "),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="these programs are of POSIX")
def test_a_command_that_gives_no_token_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, words: str
) -> None:
    at_home(monkeypatch, tmp_path, f'[profiles.shop]\ntoken_command = "{says}"')

    with pytest.raises(InvalidInput, match=words), profile_applied("shop"):
        raise AssertionError("there is no token")


@pytest.mark.skipif(os.name != "posix", reason="these programs are of POSIX")
def test_the_keyring_is_asked_for_the_service_and_the_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at_home(monkeypatch, tmp_path, '[profiles.shop]\ntoken_keyring = "keebai"')
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInput, match="keyring set keebai shop"), profile_applied("shop"):
        raise AssertionError("there is no keyring")

    program = tmp_path / "keyring"
    program.write_text('#!/bin/sh\nprintf "%s-%s-%s\\n" "$1" "$2" "$3"\n', encoding="utf-8")
    program.chmod(0o755)
    with profile_applied("shop"):
        assert os.environ["KEEBAI_API_TOKEN"] == "get-keebai-shop"


def test_the_file_of_a_project_is_found_from_a_folder_below_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at_home(monkeypatch, tmp_path, USER)
    (tmp_path / "keebai-async.toml").write_text(PROJECT, encoding="utf-8")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("SHOP_TOKEN", "42")

    with profile_applied(None) as resolved:
        assert dict(values(resolved))["default_region"][0] == "BR"
        assert os.environ["KEEBAI_DEFAULT_REGION"] == "BR"


async def test_the_command_takes_a_profile_and_says_where_each_value_comes_from(
    shell: Shell, clients: str
) -> None:
    sender, token = shell.environment.pop("KEEBAI_PHONE_NUMBER_ID"), shell.environment.pop("KEEBAI_API_TOKEN")
    shell.environment["SHOP_TOKEN"] = token
    shell.write(
        "keebai-async.toml",
        f'[profiles.shop]\ntoken_env = "SHOP_TOKEN"\nphone_number_id = "{sender}"\nunit_cost = 0.05\n',
    )

    without = await shell.run("plan", clients, *PROMO)
    planned = await shell.run("--profile", "shop", "plan", clients, *PROMO)
    shown = await shell.run("--profile=shop", "config", "show", "--json")
    flag = await shell.run("--profile", "shop", "plan", clients, *PROMO, "--unit-cost", "1")

    assert without.code == Exit.USAGE
    assert planned.code == 0, planned.err
    assert "0.15 USD (0.05 each)" in planned.out
    assert "3.00 USD (1 each)" in flag.out
    (told,) = shown.objects
    assert told["profile"] == "shop"
    where = {str(each["name"]): str(each["where"]) for each in told["values"]}  # type: ignore[attr-defined]
    assert where["token"].startswith("token_env of ")
    assert where["phone_number_id"].endswith("keebai-async.toml, profile shop")
    assert where["journal"] == "the environment"
    assert token not in shown.out


async def test_a_file_that_is_wrong_does_not_hide_the_help(shell: Shell) -> None:
    shell.write("keebai-async.toml", "profile =")

    helped = await shell.run("plan", "--help")
    listed = await shell.run("list")

    assert helped.code == 0
    assert listed.code == Exit.USAGE
    assert len(listed.err.splitlines()) == 1
    assert "keebai-async.toml is no TOML" in listed.err
