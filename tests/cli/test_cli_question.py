"""The question before money: what counts as a yes, and who would get the same once more."""

import re
import signal
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from keebai_async.errors import CampaignBusy
from keebai_async.model.reached import REPEATED_WITHIN
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Ended, Shell, let_pass
from tests.cli.test_cli_interrupts import end_of, launching, until
from tests.cli.test_cli_steps import Day

PROMO = ("--template", "promo", "--language", "es")


def people(count: int, first: int = 0) -> str:
    rows = (f"+5491155{number:06},Ana,A{number}" for number in range(first, first + count))
    return "to,nombre,codigo\n" + "\n".join(rows)


def campaign_of(ended: Ended) -> str:
    found = re.search(r"\[([a-z0-9-]+-[0-9a-f]{8})\]", ended.out)
    assert found, ended
    return found[1]


async def test_a_y_typed_too_early_is_no_answer(shell: Shell, sandbox: Sandbox) -> None:
    shell.write("people.csv", people(3))

    ended = await shell.answer("\n", "launch", "people.csv", *PROMO, early="y\n")

    assert ended.code == 3
    assert sandbox.ledger.total == 0
    assert re.search(r"Send to 3 people\? \[y/N\] \r\n", ended.err)


async def test_who_is_asked_on_a_sandbox_reads_that_it_is_one(shell: Shell) -> None:
    shell.write("people.csv", people(3))

    ended = await shell.answer("n\n", "launch", "people.csv", *PROMO, "--sandbox", "--speed", "200")

    assert ended.code == 3
    begins = "a sandbox on this machine: nobody is messaged. Its clock runs 200 times as fast as yours"
    assert " ".join(ended.err.split()).startswith(begins), ended.err
    assert "This is a sandbox: nobody is messaged. Send to 3 people? [y/N]" in ended.err


async def test_a_plan_on_a_sandbox_says_so(shell: Shell) -> None:
    shell.write("people.csv", people(3))

    ended = await shell.call("plan", "people.csv", *PROMO, "--sandbox")

    assert ended.code == 0
    assert ended.err.startswith("a sandbox on this machine: nobody is messaged\n")


@pytest.mark.parametrize(("typed", "code"), [("y", 3), ("999", 3), ("", 3), ("1.000", 0)])
async def test_from_a_thousand_on_the_number_is_typed(
    shell: Shell, sandbox: Sandbox, typed: str, code: int
) -> None:
    shell.write("people.csv", people(1_000))

    ended = await shell.answer(f"{typed}\n", "launch", "people.csv", *PROMO, "--no-wait")

    assert ended.code == code
    assert sandbox.ledger.total == (0 if code else 1_000)
    assert f"type their number (1,000): {typed}\r\n" in ended.err, "it stays on the screen"


async def test_the_same_people_under_another_name_need_a_word(shell: Shell, sandbox: Sandbox) -> None:
    shell.write("people.csv", people(8))
    shell.write("others.csv", people(9, first=1))  # another file, another order of things, one person more
    first = await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")
    uno = campaign_of(first)

    planned = await shell.call("plan", "others.csv", *PROMO, "--name", "Dos")
    (line,) = (await shell.call("plan", "others.csv", *PROMO, "--name", "Dos", "--json")).objects
    refused = await shell.call("launch", "others.csv", *PROMO, "--name", "Dos", "--yes")
    kept = await shell.call("launch", campaign_of(planned), "--yes")
    declined = await shell.answer("y\n", "launch", "others.csv", *PROMO, "--name", "Dos")

    assert re.search(rf"7 of these people got 'Uno' \d+ s ago \(promo, es\) \[{uno}\]", planned.out)
    assert isinstance(line["reached_before"], list)
    assert [(each["campaign_id"], each["people"]) for each in line["reached_before"]] == [(uno, 7)]
    for ended in (refused, kept):
        assert (ended.code, "--again" in ended.err) == (2, True)
        assert f"7 of these 9 people got the template 'promo' from campaign {uno} ('Uno')" in ended.err
    assert declined.code == 3
    assert "7 of them got the same template as 'Uno'" in declined.err
    assert "If so, type again and their number (again 9): " in declined.err
    by_habit = await shell.answer("9\n", "launch", "others.csv", *PROMO, "--name", "Dos")
    assert by_habit.code == 3  # the number alone is what one types at each launch
    assert sandbox.ledger.total == 8

    agreed = await shell.answer("again 9\n", "launch", "others.csv", *PROMO, "--name", "Dos")
    again = await shell.call("launch", "others.csv", *PROMO, "--name", "Tres", "--yes", "--again")

    assert (agreed.code, again.code) == (0, 0)
    assert sandbox.ledger.total == 26


async def test_the_same_words_by_a_template_of_another_name_need_a_word(
    shell: Shell, sandbox: Sandbox
) -> None:
    (promo, *others) = sandbox.settings.templates
    copied = replace(promo, name="promo_copia", body=promo.body.replace("nombre", "quien"))
    sandbox.settings.templates = (promo, replace(copied, variables=("quien", "codigo")), *others)
    shell.write("people.csv", people(8))
    shell.write("others.csv", people(8).replace("nombre", "quien"))
    copy = ("others.csv", "--template", "promo_copia", "--language", "es", "--name", "Dos")
    await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")

    refused = await shell.call("launch", *copy, "--yes")
    declined = await shell.answer("n\n", "launch", *copy)

    assert refused.code == 2
    assert "8 of these 8 people got the same words by the template 'promo' from campaign" in refused.err
    assert (declined.code, "8 of them got the same words as 'Uno'" in declined.err) == (3, True)
    assert sandbox.ledger.total == 8


@pytest.mark.parametrize("names", [("Uno", "Dos"), ("Uno", "Uno")])
async def test_of_two_launches_at_the_same_instant_one_goes_and_one_asks_for_the_word(
    shell: Shell, sandbox: Sandbox, names: tuple[str, str]
) -> None:
    shell.write("people.csv", people(2_000))
    ended: list[Ended] = []

    async def launch(name: str) -> None:
        ended.append(await shell.run("launch", "people.csv", *PROMO, "--name", name, "--yes", "--no-wait"))

    await shell.call("list")  # so that neither has to make the journal
    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(launch, name)

    assert sorted(each.code for each in ended) == [0, 2], ended
    (refused,) = (each for each in ended if each.code)
    assert refused.err.splitlines()[-1].endswith("(--again)")
    assert sandbox.ledger.total == 2_000


@pytest.mark.parametrize(("earlier", "code", "total"), [(-60.0, 2, 8), (60.0, 0, 16)])
async def test_the_same_at_the_same_hour_of_the_next_day_needs_none(
    shell: Shell, sandbox: Sandbox, earlier: float, code: int, total: int
) -> None:
    shell.write("people.csv", people(8))
    await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")
    let_pass(Path(shell.environment["KEEBAI_JOURNAL"]), REPEATED_WITHIN + earlier)

    ended = await shell.call("launch", "people.csv", *PROMO, "--name", "Dos", "--yes")

    assert (ended.code, sandbox.ledger.total) == (code, total)
    assert re.search(r"8 of these people got 'Uno' (19 h 59|20 h 1) min ago", ended.out)


async def test_a_purge_says_that_nobody_is_warned_of_these_people_any_more(
    shell: Shell, sandbox: Sandbox
) -> None:
    shell.write("people.csv", people(8))
    shell.write("others.csv", people(8, first=1))
    uno = campaign_of(await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes"))

    purged = await shell.call("purge", "--yes")
    same = await shell.call("launch", "people.csv", *PROMO, "--name", "Dos", "--yes")
    others = await shell.call("launch", "others.csv", *PROMO, "--name", "Tres", "--yes")

    assert f"its people are removed: {uno}" in purged.err
    assert "nobody is warned any more if they get the same again: 8 people got 'Uno'" in purged.err
    assert (same.code, f"8 of these 8 people got the template 'promo' from campaign {uno}" in same.err) == (
        2,
        True,
    )
    assert "'Uno' (promo, es)" in others.out
    assert "whether these are among them is not known" in others.out
    assert (others.code, sandbox.ledger.total) == (0, 16)


async def test_a_handful_of_people_gets_the_same_again_and_it_is_said(shell: Shell, sandbox: Sandbox) -> None:
    shell.write("people.csv", people(4))
    await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")

    ended = await shell.call("launch", "people.csv", *PROMO, "--name", "Dos", "--yes")

    assert ended.code == 0, ended.err
    assert "4 of these people got 'Uno'" in ended.out + ended.err
    assert sandbox.ledger.total == 8


async def test_a_few_who_got_it_are_named_and_stop_nobody(shell: Shell, sandbox: Sandbox) -> None:
    shell.write("people.csv", people(4))
    shell.write("others.csv", people(10, first=3))
    await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")

    ended = await shell.call("launch", "others.csv", *PROMO, "--name", "Dos", "--yes")

    assert "1 of these people got 'Uno'" in ended.out
    assert (ended.code, sandbox.ledger.total) == (0, 14)


async def test_a_repetition_is_refused_before_anybody_is_asked(shell: Shell) -> None:
    shell.write("people.csv", people(3))
    await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")
    planned = await shell.call("plan", "people.csv", *PROMO, "--name", "Uno")

    for what in (("people.csv", *PROMO, "--name", "Uno"), (campaign_of(planned),)):
        ended = await shell.answer("y\n", "launch", *what)
        assert ended.code == 2
        assert "launched under the name 'Uno' before" in ended.err
        assert "Send to" not in ended.err


async def test_a_test_is_sent_as_often_as_you_like_and_reaches_nobody(shell: Shell, sandbox: Sandbox) -> None:
    shell.write("people.csv", people(3))
    tested = ("launch", "people.csv", *PROMO, "--name", "Uno", "--test-to", "+5491155000001")

    ended = [await shell.call(*tested, "--yes"), await shell.answer("y\n", *tested)]
    real = await shell.call("launch", "people.csv", *PROMO, "--name", "Uno", "--yes")
    tested_once_more = await shell.call(*tested, "--yes")

    assert [each.code for each in (*ended, real, tested_once_more)] == [0] * 4
    assert "This is a test. Send to 1 person?" in ended[1].err
    assert "of these people got" not in real.out + tested_once_more.out
    assert not any("--again" in each.out + each.err for each in (*ended, real, tested_once_more))
    assert sandbox.ledger.total == 6


@pytest.mark.parametrize("name", ["people.csv", "people.jsonl"])
async def test_a_limit_says_what_it_left_and_the_rest_leaves_out_who_got_it(
    shell: Shell, sandbox: Sandbox, name: str
) -> None:
    rows = [row.split(",") for row in people(600).splitlines()[1:]]
    lines = [f'{{"to":"{to}","nombre":"{who}","codigo":"{code}"}}\n' for to, who, code in rows]
    shell.write(name, people(600) if name.endswith("csv") else "".join(lines))
    launch = ("launch", name, *PROMO, "--yes", "--no-wait")
    some = await shell.call(*launch, "--name", "Uno", "--limit", "7")

    unasked = await shell.call(*launch, "--name", "Dos")
    rest = await shell.call(*launch, "--name", "Dos", "--rest-of", campaign_of(some))

    assert "593 rows after the first 7 ready people were not looked at" in some.out
    assert f"--rest-of {campaign_of(some)}" in some.out
    assert (unasked.code, "7 of these 600 people got" in unasked.err) == (2, True)
    assert rest.code == 0
    numbers = [each for one in sandbox.ledger.submissions for each in one.numbers]
    assert len(numbers) == len(set(numbers)) == 600


async def test_who_is_unsent_in_a_stopped_campaign_gets_it_once(shell: Shell, sandbox: Sandbox) -> None:
    async with launching(shell, "--pace", "10/1h") as process:
        await until(lambda: len(sandbox.ledger) == 1)
        process.send_signal(signal.SIGINT)
        await end_of(process)
    stopped = str((await shell.call("list", "--json")).objects[0]["campaign_id"])
    await shell.call("export", stopped, "rest.csv", "--unsent")

    planned = await shell.call("plan", "rest.csv", *PROMO, "--name", "Rest")
    refused = await shell.call("launch", "rest.csv", *PROMO, "--name", "Rest", "--yes")
    sent = await shell.call("launch", "rest.csv", *PROMO, "--name", "Rest", "--yes", "--again")
    resumed = await shell.call("resume", stopped, "--yes")

    assert re.search(rf"10 of these people are still to get '.*' \(promo, es\) \[{stopped}\]", planned.out)
    assert (refused.code, "10 of these 10 people are still to get" in refused.err) == (2, True)
    assert sent.code == 0
    assert (resumed.code, "10 of these 10 people got the template 'promo'" in resumed.err) == (2, True)
    assert resumed.err.rstrip().endswith("(--again)")
    assert sandbox.ledger.total == 20


async def test_a_program_is_told_and_refused_as_a_person_is(shell: Shell, sandbox: Sandbox) -> None:
    day = Day(shell, sandbox)
    await day.plan()
    await day.run()
    rows = [{"to": f"+5491155{number:06}", "nombre": "Eva", "codigo": "B"} for number in range(6)]
    async with day.client() as keebai:
        other = await keebai.campaigns.plan(rows, template="promo", language="es", name="Dos")

        (reached,) = other.reached_before
        with pytest.raises(CampaignBusy) as refused:
            async with keebai.campaigns.start(other):
                pass
        async with keebai.campaigns.start(other, agreed=other.reached_before) as run:
            report = await run.report()

    assert (reached.campaign_id, reached.people, reached.repeated) == (day.campaign, 6, 6)
    assert refused.value.campaign_id == day.campaign
    assert report.accepted == 6
