"""What a shell offers when Tab is pressed, asked as the shells ask it."""

import shlex

import anyio
import pytest

from tests.cli.shell import Shell

PLAN = ("--template", "promo", "--language", "es")


async def offered(shell: Shell, line: str, *, kind: str = "bash") -> list[str]:
    """What is offered at the end of *line*, in the shell of that *kind*."""
    words = line.split(" ")
    asked = {
        "_KEEBAI_ASYNC_COMPLETE": f"complete_{kind}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    if kind != "bash":
        del asked["COMP_WORDS"]
    done = await anyio.run_process(
        shell.command(), cwd=shell.folder, env=shell.environment | asked, check=False
    )
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


async def planned(shell: Shell, clients: str, name: str) -> str:
    done = await shell.call("plan", clients, *PLAN, "--name", name, "--json")
    return str(next(each["campaign_id"] for each in done.objects if "campaign_id" in each))


async def test_commands_and_options_are_offered(shell: Shell) -> None:
    assert await offered(shell, "keebai-async st") == ["stop", "status"]
    assert await offered(shell, "keebai-async launch --dry") == ["--dry-run"]
    assert await offered(shell, "keebai-async webhooks tri") == ["trigger"]


async def test_campaigns_of_the_journal_are_offered_by_their_beginning(shell: Shell, clients: str) -> None:
    march, april = await planned(shell, clients, "marzo"), await planned(shell, clients, "abril")

    assert await offered(shell, "keebai-async status ") == [april, march, "last"]
    assert await offered(shell, "keebai-async remove ma") == [march]
    assert await offered(shell, "keebai-async status zz") in ([], [""])


async def test_a_plan_is_offered_to_launch_once_a_letter_is_typed_and_files_before(
    shell: Shell, clients: str
) -> None:
    march = await planned(shell, clients, "marzo")

    assert await offered(shell, "keebai-async launch ma") == [march]
    assert march not in await offered(shell, "keebai-async launch ")


async def test_templates_and_languages_are_those_of_campaigns_that_were(shell: Shell, clients: str) -> None:
    await planned(shell, clients, "marzo")

    assert await offered(shell, "keebai-async plan x.csv --template ") == ["promo"]
    assert await offered(shell, "keebai-async plan x.csv --template promo --language ") == ["es"]


@pytest.mark.parametrize("kind", ["zsh", "fish"])
async def test_other_shells_are_told_what_each_is(shell: Shell, clients: str, kind: str) -> None:
    march = await planned(shell, clients, "marzo")

    told = "\n".join(await offered(shell, "keebai-async status ma", kind=kind))

    assert march in told
    assert "marzo, planned" in told


async def test_a_journal_that_cannot_be_read_offers_nothing_and_says_nothing(shell: Shell) -> None:
    await anyio.Path(shell.environment["KEEBAI_JOURNAL"]).write_text("no database", encoding="utf-8")

    assert "last" not in await offered(shell, "keebai-async status ")


async def test_a_place_where_completion_cannot_be_installed_is_one_line(shell: Shell) -> None:
    (shell.folder / ".bashrc").mkdir()  # nobody can write it, not even root
    shell.environment["HOME"] = str(shell.folder)

    ended = await shell.run("--install-completion", "bash")

    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(f"error: cannot write {shell.folder / '.bashrc'}: ")
    assert line.endswith("; --show-completion prints what belongs there")


async def test_a_bash_that_has_the_script_completes(shell: Shell, clients: str) -> None:
    march = await planned(shell, clients, "marzo")
    shown = await shell.run("--show-completion", "bash")
    program = shell.folder / "keebai-async"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(shell.command())} "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    script = (
        f"{shown.out}\nCOMP_WORDS=(keebai-async status ma) COMP_CWORD=2\n"
        'function="$(complete -p keebai-async | sed "s/.*-F \\([^ ]*\\).*/\\1/")"\n'
        '"$function" ./keebai-async; echo "${COMPREPLY[@]}"\n'
    )
    done = await anyio.run_process(
        ["bash", "--norc", "-c", script], cwd=shell.folder, env=shell.environment, check=False
    )

    assert done.stdout.decode().strip() == march
