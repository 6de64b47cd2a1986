"""The command speaks the language of its reader; what machines read is the same in each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.cli.catalogue import read_catalogue
from keebai_async.cli.figures import counted, figure, money, share
from keebai_async.cli.language import chosen_language, known_language, phrase, speaking, spoken
from keebai_async.cli.library_words import in_language, library_text
from keebai_async.errors import InvalidInput
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of
from tests.cli.test_cli_start import imported_by


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_AR.UTF-8"}, "es"),
        ({"LANG": "pt_BR"}, "pt"),
        ({"LANG": "pt_PT.UTF-8@euro"}, "pt"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "es_MX", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "es_MX", "LC_MESSAGES": "pt_BR", "LC_ALL": "C"}, "en"),
        ({"LANG": "es_MX", "LC_NUMERIC": "pt_BR", "LC_ALL": ""}, "es"),
        ({"LANG": "es_MX", "KEEBAI_LANG": "en"}, "en"),
        ({"LANG": "C", "KEEBAI_LANG": "pt-BR"}, "pt"),
    ],
)
def test_the_variable_goes_before_the_locale_and_the_locale_counts_if_it_is_known(
    environment: dict[str, str], language: str
) -> None:
    assert chosen_language(environment) == language


def test_a_language_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="there is en, es, pt, and not 'fr'"):
        known_language("fr")
    with pytest.raises(InvalidInput, match="'klingon'"):
        chosen_language({"KEEBAI_LANG": "klingon"})


def test_english_is_what_stands_in_the_code() -> None:
    assert phrase("chunk {number}", number=3) == "chunk 3"
    assert [counted(count, "{count} person", "{count} people") for count in (0, 1, 2)] == [
        "0 people",
        "1 person",
        "2 people",
    ]


def test_a_text_that_a_catalogue_has_not_is_said_in_english() -> None:
    with speaking("es"):
        assert phrase("nobody has translated {what}", what="this") == "nobody has translated this"
    assert spoken() == "en"


def test_one_word_of_english_may_be_several_elsewhere() -> None:
    with speaking("es"):
        assert (phrase("read", about="rows"), phrase("read", about="people")) == (
            "le\u00eddas",
            "le\u00eddos",
        )
        assert [counted(count, "{count} person", "{count} people") for count in (0, 1, 2)] == [
            "0 personas",
            "1 persona",
            "2 personas",
        ]


@pytest.mark.parametrize(
    ("language", "locale", "shown"),
    [
        ("es", "es_AR.UTF-8", "31.204 3.090,50 12,5%"),
        ("es", "es_MX.UTF-8", "31,204 3,090.50 12.5%"),
        ("es", "en_US.UTF-8", "31204 3090.50 12.5%"),
        ("es", "C", "31204 3090.50 12.5%"),
        ("pt", "C", "31.204 3.090,50 12,5%"),
        ("pt", "en_US.UTF-8", "31.204 3.090,50 12,5%"),
        ("pt", "pt_BR.UTF-8", "31.204 3.090,50 12,5%"),
        ("en", "es_AR.UTF-8", "31.204 3.090,50 12,5%"),
    ],
)
def test_numbers_are_the_locales_if_it_is_of_the_language_and_else_those_of_the_language_if_it_has_one_way(
    monkeypatch: pytest.MonkeyPatch, language: str, locale: str, shown: str
) -> None:
    monkeypatch.setenv("LANG", locale)

    with speaking(language):
        assert f"{figure(31_204)} {money(3_090.5)} {share(1, 8)}" == shown


def test_a_sentence_of_the_library_is_found_by_its_words_and_keeps_what_is_in_its_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANG", "es_AR.UTF-8")
    note = "no.csv holds 1,204 numbers of people who are not to be messaged, 31 of them in the list"
    detail = "no number of Germany: write it with a plus and its country code"

    with speaking("es"):
        said = library_text(note), in_language(detail)

    assert said == (
        "no.csv tiene 1.204 n\u00fameros de personas a quienes no se debe enviar, 31 de ellos en la lista",
        "no es un n\u00famero de Alemania: escr\u00edbalo con signo m\u00e1s y su c\u00f3digo de pa\u00eds",
    )


def test_a_name_that_looks_like_a_sentence_stays_a_name() -> None:
    with speaking("pt"):
        said = in_language("the longest is missing: the template asks for it; if read is meant, rename it")

    assert said == "falta the longest: o modelo o pede; se \u00e9 read, mude o nome"


def test_the_words_of_a_service_stay_as_they_are() -> None:
    with speaking("es"):
        assert in_language("503 Service Unavailable") == "503 Service Unavailable"
        assert in_language("") == ""


@given(st.text(st.sampled_from("ab 1,.;:()'or"), max_size=300))
def test_whatever_a_service_says_is_read_to_its_end_and_never_lost(words: str) -> None:
    """Tried as sentences inside sentences without end, a few brackets would take for ever."""
    with speaking("es"):
        assert in_language(words) or not words
        assert (
            in_language(f"the service does not answer ({words})")
            == f"el servicio no responde ({in_language(words)})"
        )


@pytest.mark.parametrize(
    "text",
    ['msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n', 'msgid "a"\nmsgstr b\n', 'msg\n"a"'],
    ids=["twice", "no quotes", "no field"],
)
def test_a_catalogue_that_is_wrong_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no line of a catalogue|stands there twice"):
        read_catalogue(text)


def test_a_catalogue_has_comments_long_texts_in_several_lines_and_letters_written_as_escapes() -> None:
    text = '# for you\n#. and you\nmsgctxt "x"\nmsgid ""\n"a "\n"\\"b\\""\nmsgstr "\\u00e1\\n"\n'

    assert read_catalogue(text) == {("x", 'a "b"'): ("\u00e1\n",)}


async def test_the_option_stands_before_the_command_or_among_its_own(shell: Shell, clients: str) -> None:
    before = await shell.call("--lang", "es", "plan", clients, *PROMO[:-2])
    behind = await shell.call("plan", clients, *PROMO[:-2], "--lang=pt")
    both = await shell.call("--lang", "es", "plan", clients, *PROMO[:-2], "--lang", "en")

    assert "descartados" in before.out
    assert "no se envi\u00f3 nada; para enviar: keebai-async launch" in before.err
    assert "descartados" in behind.out
    assert "modelo" in behind.out
    assert "rejected" in both.out
    assert spoken() == "en"


async def test_the_profile_may_name_it_the_environment_goes_before_it_and_the_option_before_both(
    shell: Shell, clients: str
) -> None:
    shell.write("keebai-async.toml", '[profiles.marketing]\nlang = "es"\n')
    plan = ("plan", clients, *PROMO[:-2])

    profile = await shell.call("--profile", "marketing", *plan)
    shell.environment["KEEBAI_LANG"] = "pt"
    environment = await shell.call("--profile", "marketing", *plan)
    option = await shell.call("--profile", "marketing", "--lang", "en", *plan)

    assert [("plantilla" in each.out, "modelo" in each.out) for each in (profile, environment, option)] == [
        (True, False),
        (False, True),
        (False, False),
    ]


@pytest.mark.parametrize("language", ["es", "pt"])
async def test_json_and_exit_codes_are_the_same_in_every_language(
    shell: Shell, clients: str, language: str
) -> None:
    campaign = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))
    english = await shell.call("report", campaign, "--json")

    other = await shell.call("report", campaign, "--json", "--lang", language)
    planned = await shell.call("plan", clients, *PROMO[:-2], "--json", "--lang", language)
    checked = await shell.call("--lang", language, "doctor", "--json")

    assert (other.code, other.out) == (english.code, english.out)
    reasons = planned.objects[0]["reasons"]
    assert isinstance(reasons, list)
    assert {each["reason"] for each in reasons} == {"bad number", "duplicate"}
    assert "write it in E.164" in planned.out
    assert " of 60 a minute" in checked.out


async def test_what_the_journal_keeps_is_english_so_that_each_reads_it_in_their_own(
    shell: Shell, clients: str
) -> None:
    planned = await shell.call("plan", clients, *PROMO, "--lang", "es", "--json")
    campaign = str(planned.objects[0]["campaign_id"])

    spanish = await shell.call("launch", campaign, "--dry-run", "--lang", "es")
    english = await shell.call("launch", campaign, "--dry-run")

    assert "escr\u00edbalo en E.164" in spanish.out
    assert "write it in E.164" in english.out


async def test_a_file_of_rejects_says_what_to_do_in_the_language_and_is_planned_as_any_other(
    shell: Shell, clients: str
) -> None:
    await shell.call("plan", clients, *PROMO[:-2], "--rejects", "r.csv", "--lang", "es")
    rejects = (shell.folder / "r.csv").read_text(encoding="utf-8")
    shell.write("r.csv", rejects.replace("nada", "+5491155550107"))

    again = await shell.call("plan", "r.csv", *PROMO[:-2], "--json")

    assert "bad number" in rejects
    assert "escr\u00edbalo en E.164" in rejects
    assert again.objects[0]["ready"] == 1, again.out


async def test_the_question_is_asked_and_answered_in_the_language(shell: Shell, clients: str) -> None:
    sent = await shell.answer("s\u00ed\n", "launch", clients, *PROMO, "--lang", "es")
    declined = await shell.answer("n\u00e3o\n", "launch", clients, *PROMO, "--lang", "pt", "--again")

    assert "\u00bfEnviar a 3 personas? [s/N]" in sent.err
    assert sent.code == 0
    assert "Enviar" in declined.err
    assert "cancelado: nada foi enviado" in declined.err


async def test_who_speaks_english_reads_no_catalogue(shell: Shell) -> None:
    english = await imported_by(shell, "status")
    spanish = await imported_by(shell, "status", "--lang", "es")

    assert "keebai_async.cli.language" in english
    assert "keebai_async.cli.catalogue" not in english
    assert "keebai_async.cli.catalogue" in spanish


@pytest.mark.parametrize(
    ("language", "named"),
    [("es", "no en 1 fila, nada en 2 filas"), ("pt", "no em 1 linha, nada em 2 linhas")],
)
def test_what_stands_in_a_column_is_said_in_the_language(language: str, named: str) -> None:
    """A place that follows another at once took all of it, and left it as it was."""
    for more in ("", ", ..."):
        note = (
            "the column opt_in is not used, and may say who wants no messages"
            f" (no in 1 row, nothing in 2 rows{more}):"
            " who must get none is to be taken out of the list, or named with --suppress"
        )
        with speaking(language):
            assert f"({named}{more})" in in_language(note)
