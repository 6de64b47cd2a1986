"""Who wants no more is heard in every shape, whatever comes twice or late; who says something else is not."""

import json
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.identity import identity
from keebai_async.model.marks import tag_of
from keebai_async.model.opt_outs import ConsentWord, OptOutSource
from keebai_async.webhooks import FateRecorder, StopWords, read_event
from keebai_async.webhooks.events import AnyWebhookEvent
from keebai_async.webhooks.opt_outs import consent_in
from keebai_async.webhooks.stop_words import RESUME_WORDS, STOP_WORDS, normal
from tests.journal.journal_kit import plan_of

ANA: Final = "+5491155550101"
KEY: Final = identity(ANA)
NOW: Final = 1_790_000_000.0
USUAL: Final = StopWords()


def received(said: str = "", *, at: float | None = NOW, **fields: Any) -> AnyWebhookEvent:
    data: dict[str, object] = {"from": "+541155550101", "message_id": "wamid.1", "type": "text"}
    data |= {"text": {"body": said}} if said else {}
    data |= {"timestamp": str(int(at))} if at is not None else {}
    envelope = {"id": "evt_1", "type": "whatsapp.message.received", "data": data | fields}
    return read_event(json.dumps(envelope).encode())


def failed(code: object, **fields: object) -> AnyWebhookEvent:
    data = {"recipient_id": ANA, "status": "failed", "timestamp": str(int(NOW)), "errors": [{"code": code}]}
    return read_event(json.dumps({"type": "whatsapp.message.failed", "data": data | fields}).encode())


def preference(value: str, *, at: float | None = NOW, number: str = "5491155550101") -> AnyWebhookEvent:
    one = {"wa_id": number, "category": "marketing_messages", "value": value}
    data = {"user_preferences": [one | ({} if at is None else {"timestamp": int(at)})]}
    return read_event(json.dumps({"type": "whatsapp.user_preferences", "data": data}).encode())


def heard(event: AnyWebhookEvent, words: StopWords = USUAL) -> list[tuple[bool, OptOutSource]]:
    return [(each.stop, each.source) for each in consent_in(event, words, now=NOW)]


STOPPED: Final = [(True, OptOutSource.WORD)]
TAPPED: Final = [(True, OptOutSource.BUTTON)]


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        "  Baja. ",
        "¡BAJA!",
        "sair",
        "Parar 🙏",
        "🛑 STOP 🛑",
        "cancelar…",
        "«baja»",
        "\uff33\uff34\uff2f\uff30",
        "no más mensajes",
        "NO MAS MENSAJES",
        "Não quero mais",
        "baja\n",
        "\u200fSTOP\u200e",
        "*BAJA*",
        "B\u0301AJA",
        *("opt-out", "dar  de\tbaja", "UNSUBSCRIBE!!!", "STOP 👍🏽", "stop\u2764\ufe0f"),
    ],
)
def test_a_message_that_is_nothing_but_the_word_is_a_stop(text: str) -> None:
    assert heard(received(text)) == STOPPED


@pytest.mark.parametrize(
    "text",
    [
        "no puedo parar de leer",
        "stop it",
        "¿cómo me doy de baja?",
        "bajar",
        "la baja",
        "s.t.o.p",
        "",
        " ",
        "🛑",
        "1",
        *("STOP " * 60, "trabaja", "cancelar mi turno del lunes"),
    ],
)
def test_a_message_that_only_contains_it_is_none(text: str) -> None:
    assert heard(received(text)) == []


@given(
    word=st.sampled_from([word for words in STOP_WORDS.values() for word in words]),
    around=st.tuples(*[st.text(st.sampled_from(" .,!¡?¿*_~\"'()\n\t🙏🛑👍🏽\ufe0f\u200d-"), max_size=6)] * 2),
    case=st.sampled_from([str.lower, str.upper, str.title, str.swapcase]),
)
def test_case_and_what_stands_around_it_change_nothing(
    word: str, around: tuple[str, str], case: type
) -> None:
    assert heard(received(around[0] + case(word) + around[1])) == STOPPED


@given(text=st.text(max_size=40))
def test_any_text_is_read_and_only_whole_words_are_heard(text: str) -> None:
    found = USUAL.meaning(text)
    known = {normal(word) for word in (*USUAL.stop, *USUAL.resume, *USUAL.buttons)}
    assert (found is not None) == (normal(text) in known)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "button", "button": {"payload": "OPT_OUT", "text": "Ya no"}},
        {"type": "button", "button": {"payload": "x-17", "text": "Stop promotions"}},
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "OPT_OUT", "title": "No"}},
        },
        {"type": "button", "text": {"body": "OPT_OUT"}},
        {"type": "button", "button": {"payload": "q", "text": "BAJA"}},
    ],
)
def test_a_tap_is_a_stop_in_each_of_its_shapes(fields: dict[str, Any]) -> None:
    assert heard(received(**fields)) == TAPPED


def test_a_list_of_one_s_own_replaces_or_adds_and_chooses_the_buttons() -> None:
    own = StopWords.named({"KEEBAI_STOP_WORDS": "Ya no, no gracias"}, buttons="+ no_promos")
    tap = received(type="button", button={"payload": "NO_PROMOS", "text": "x"})

    assert heard(received("YA NO"), own) == STOPPED
    assert heard(received("STOP"), own) == []
    assert heard(received("alta"), own) == [(False, OptOutSource.WORD)]
    assert heard(tap, own) == TAPPED
    assert heard(tap) == []
    added = StopWords.named({"KEEBAI_STOP_WORDS": "x"}, stop="+no gracias")
    assert heard(received("¡No, gracias!"), added) == heard(received("STOP"), added) == STOPPED
    assert heard(received("x"), added) == []
    assert heard(received("🛑"), StopWords(stop=("🛑",))) == STOPPED


def test_words_that_nobody_can_write_or_that_mean_both_are_refused() -> None:
    with pytest.raises(InvalidInput, match="nothing to be read"):
        StopWords(stop=("STOP", " "))
    with pytest.raises(InvalidInput, match="both"):
        StopWords(resume=("Alta", "baja"))


@pytest.mark.parametrize("word", [word for words in RESUME_WORDS.values() for word in words])
def test_a_resume_word_takes_the_person_back(word: str) -> None:
    assert heard(received(f"{word.lower()}!")) == [(False, OptOutSource.WORD)]


def test_a_code_and_a_preference_are_stops_too() -> None:
    assert heard(failed(131050)) == heard(failed("131050")) == [(True, OptOutSource.CODE)]
    assert heard(failed(131049)) == []
    assert heard(preference("stop")) == [(True, OptOutSource.PREFERENCE)]
    assert heard(preference("resume")) == [(False, OptOutSource.PREFERENCE)]


def test_a_stop_without_a_time_counts_from_now_and_a_resume_without_one_is_nothing() -> None:
    (stop,) = consent_in(received("STOP", at=None), USUAL, now=NOW)
    (ahead,) = consent_in(received("STOP", at=NOW + 10 * 86_400), USUAL, now=NOW)

    assert (stop.at, ahead.at) == (NOW, NOW)
    assert list(consent_in(received("ALTA", at=None), USUAL, now=NOW)) == []
    assert list(consent_in(preference("resume", at=NOW + 10 * 86_400), USUAL, now=NOW)) == []


async def out(journal: MemoryJournal) -> list[OptOutSource]:
    return [each.source for each in await journal.opted_out([KEY])]


async def test_the_newest_word_wins_in_whatever_order_they_come() -> None:
    story = [
        received("BAJA", at=NOW),
        preference("resume", at=NOW + 10),
        failed(131050, timestamp=str(int(NOW + 5))),
        received("stop", at=NOW + 20),
        received("ALTA", at=NOW + 30),
    ]
    for order in permutations(range(5)):
        journal = MemoryJournal()
        recorders = [FateRecorder(journal, clock=ManualClock(NOW)) for _ in range(2)]
        for place, each in enumerate((*order, *order[:2])):
            await recorders[place % 2].record([story[each]])
        assert await out(journal) == []
        await recorders[0].record([received("Parar", at=NOW + 31)])
        assert await out(journal) == [OptOutSource.WORD]


async def test_what_stood_in_a_file_is_not_undone_by_a_message() -> None:
    journal, clock = MemoryJournal(), ManualClock(NOW)
    await journal.say([ConsentWord(key=KEY, stop=True, source=OptOutSource.FILE, at=NOW - 9)])

    await FateRecorder(journal, clock=clock).record([received("ALTA")])

    assert await out(journal) == [OptOutSource.FILE]


async def test_whose_number_did_not_come_is_found_by_the_mark_also_after_a_cut() -> None:
    journal = MemoryJournal()
    items = [{"to": ANA, "meta_data": {"_kb": ""}}, {"to": "+5491155550102", "meta_data": {"_kb": ""}}]

    for place, item in enumerate(items):
        item["meta_data"] = {"_kb": f"{tag_of('promo')}.1.{place}"}
    await journal.add_chunk("promo", 1, 2, json.dumps(items).encode())
    await journal.freeze(plan_of(chunks=(2,)))
    recorder = FateRecorder(journal, clock=ManualClock(NOW))

    await recorder.record([failed(131050, recipient_id=None, meta_data=items[0]["meta_data"])])
    unnamed: dict[str, Any] = {"from": "US.13491208655302741918"}
    await recorder.record([failed(131050, recipient_id=None), received("STOP", **unnamed)])

    assert await out(journal) == [OptOutSource.CODE]
    assert recorder.counts["opt-outs without a number"] == 2
    assert (await journal.opted_out([identity("+5491155550102")])) == ()


async def test_a_recorder_may_leave_the_opt_outs_to_somebody_else() -> None:
    journal = MemoryJournal()

    await FateRecorder(journal, opt_outs=False).record([received("STOP")])

    assert await out(journal) == []
