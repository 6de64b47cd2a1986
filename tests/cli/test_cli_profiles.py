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
    return read_config(USER, "user.toml")


@pytest.fixture
def project() -> ConfigFile:
    return read_config(PROJECT, "project.toml", doubt=config_places.of_project())


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
    text = '[profiles.bank]\nphone_number_id = "7"'
    project = read_config(text, "project.toml", doubt=config_places.of_project())

    assert resolve([project, user], {}, "bank").for_environment == {"KEEBAI_PHONE_NUMBER_ID": "7"}


def test_a_token_of_the_environment_goes_before_every_file(user: ConfigFile) -> None:
    resolved = resolve([user], {"KEEBAI_API_KEY": "kbai_pk_1"}, None)

    assert resolved.token is None
    assert shown_token(resolved).where == "the environment (KEEBAI_API_KEY)"


def test_a_profile_that_nobody_has_is_told_with_the_nearest(user: ConfigFile) -> None:
    with pytest.raises(InvalidInput, match=r"no profile shpo in user\.toml: did you mean shop\?"):
        resolve([user], {}, "shpo")
    with pytest.raises(InvalidInput, match="and no file of profiles: config show says where one goes"):
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
        read_config(text, "f.toml")

    assert words in str(told.value)
    assert "f.toml" in str(told.value)
    assert "\n" not in str(told.value)
    assert "kbai_pk_secret" not in str(told.value)


@pytest.mark.parametrize(
    ("says", "decides"),
    [
        ("base_url = 'https://elsewhere.example/v1'", "where your token goes"),
        ("whautomate_host = 'https://elsewhere.example'", "where your token goes"),
        ("token_command = 'rm -rf /'", "what command runs"),
        ("token_env = 'AWS_SECRET_ACCESS_KEY'", "which secret is sent"),
        ("token_keyring = 'bank'", "which secret is sent"),
        ("journal = 'postgresql://elsewhere.example/people'", "to which server people and passwords go"),
        ("quota_store = 'redis://elsewhere.example'", "to which server people and passwords go"),
        ("quota_store = 'POSTGRES:elsewhere'", "to which server people and passwords go"),
    ],
)
def test_a_file_of_a_project_decides_neither_where_a_secret_goes_nor_what_runs(
    says: str, decides: str
) -> None:
    key = says.partition(" ")[0]

    with pytest.raises(InvalidInput) as told:
        read_config(f"[profiles.a]\n{says}", "here/keebai-async.toml", doubt=config_places.of_project())

    line = str(told.value)
    assert line.startswith(f"here/keebai-async.toml, profile a: {key} says {decides}")
    assert line.endswith(f"say it in {config_places.user_file()}, or in the environment")
    assert "elsewhere" not in line
    assert "a" in read_config(f"[profiles.a]\n{says}", "user.toml").profiles


def test_a_file_of_a_project_may_name_a_place_on_this_machine() -> None:
    says = "[profiles.a]\njournal = 'sqlite:campaigns.db'\nquota_store = 'memory:'"
    windows = r"[profiles.b]" + "\n" + r"journal = 'C:\campaigns.db'"

    read = read_config(f"{says}\n{windows}", "f.toml", doubt=config_places.of_project())

    assert read.profiles["a"].values == {"journal": "sqlite:campaigns.db", "quota_store": "memory:"}
    assert read.profiles["b"].values == {"journal": r"C:\campaigns.db"}


@pytest.mark.skipif(os.name != "posix", reason="the permissions are those of POSIX")
@pytest.mark.parametrize("loose", ["config.toml", "."])
def test_your_own_file_that_everybody_may_write_says_nothing_of_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loose: str
) -> None:
    at_home(monkeypatch, tmp_path, "[profiles.shop]\ntoken_command = 'echo 42'\nunit_cost = 1")
    with profile_applied("shop"):
        assert os.environ["KEEBAI_API_TOKEN"] == "42"
    before = (tmp_path / loose).stat().st_mode
    (tmp_path / loose).chmod(before | 0o002)

    with pytest.raises(InvalidInput) as told, profile_applied("shop"):
        raise AssertionError("a command of anybody was run")
    (tmp_path / "config.toml").write_text("[profiles.shop]\nunit_cost = 1", encoding="utf-8")
    with profile_applied("shop"):
        assert os.environ["KEEBAI_UNIT_COST"] == "1"

    assert str(told.value).endswith(
        f"token_command says what command runs, and everybody on this machine may write"
        f" {tmp_path / loose}: chmod o-w it, once you have read what it says"
    )


@pytest.mark.skipif(os.name != "posix", reason="the owners are those of POSIX")
def test_your_own_file_that_is_somebody_elses_says_nothing_of_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at_home(monkeypatch, tmp_path, "[profiles.shop]\ntoken_command = 'echo 42'")
    owner = (tmp_path / "config.toml").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(config_places, "ROOT", owner + 2)

    with pytest.raises(InvalidInput, match="belongs to another user"), profile_applied("shop"):
        raise AssertionError("a command of somebody else was run")


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_profile_is_no_profile(user: ConfigFile, empty: str) -> None:
    with pytest.raises(InvalidInput, match="the name of the profile is empty: name one, or leave it out"):
        resolve([user], {}, empty)
    with pytest.raises(InvalidInput, match="KEEBAI_PROFILE is empty: name a profile, or unset it"):
        resolve([user], {"KEEBAI_PROFILE": empty}, None)
    with pytest.raises(InvalidInput, match=r"f\.toml: profile is empty: name one, or leave it out"):
        read_config(f"profile = '{empty}'", "f.toml")
    with pytest.raises(InvalidInput, match=r"f\.toml: a profile has no name: write \[profiles.NAME\]"):
        read_config(f"[profiles.'{empty}']", "f.toml")
    assert resolve([user], {"KEEBAI_PROFILE": empty}, "bank").profile == "bank"


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
    shell.write("keebai-async.toml", f'[profiles.shop]\nphone_number_id = "{sender}"\nunit_cost = 0.05\n')
    shell.environment["XDG_CONFIG_HOME"] = str(shell.folder)
    (shell.folder / "keebai-async").mkdir()
    shell.write("keebai-async/config.toml", '[profiles.shop]\ntoken_env = "SHOP_TOKEN"\n')

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


async def test_a_project_that_sends_the_token_elsewhere_is_refused_before_anything_is_sent(
    shell: Shell, clients: str
) -> None:
    shell.write("keebai-async.toml", '[profiles.shop]\nbase_url = "https://elsewhere.example/v1"\n')

    done = await shell.run("--profile", "shop", "plan", clients, *PROMO)
    empty = await shell.run("--profile", "", "plan", clients, *PROMO)

    assert done.code == empty.code == Exit.USAGE
    (line,) = done.err.splitlines()
    assert "base_url says where your token goes, and others may have written a project's file" in line
