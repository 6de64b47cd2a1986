"""Each catalogue has every text, with the places of the English one: the command's and the library's."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Final

import pytest

import keebai_async
from keebai_async.cli.catalogue import read_catalogue
from keebai_async.cli.fates_text import AGAIN_WORDS
from keebai_async.cli.language import CATALOGUES, ENGLISH, LANGUAGES, catalogue, speaking
from keebai_async.cli.library_words import COUNTRY, DAMAGE, LIBRARY, PIECE, PIECES, in_language
from keebai_async.cli.opt_outs_text import SOURCE_WORDS
from keebai_async.cli.retry_text import CHOICE_WORDS
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.model.decided import Act
from keebai_async.model.recipient import Reason
from keebai_async.model.situation import Standing
from keebai_async.planning.number_lengths import NAMES
from keebai_async.sandbox.keebai.settings import DEFAULT_WINDOWS

PACKAGE: Final = Path(keebai_async.__file__).parent
OTHERS: Final = [language for language in LANGUAGES if language != ENGLISH]
SPEAKING: Final = {"phrase": 1, "counted": 2, "phrase_of": 2}
"""What says a text, by how many forms of it there are; these are the last of its arguments without a name."""

OF_LIBRARY: Final = frozenset({LIBRARY, PIECE, DAMAGE})

Key = tuple[str, str]

WORDS: Final[Mapping[str, Iterable[str]]] = {
    "campaign": {*map(str, Standing), *map(str, CampaignState)},
    "chunk": ChunkState,
    "reason": Reason,
    "act": Act,
    "opt-out": SOURCE_WORDS.values(),
    "retry": CHOICE_WORDS.values(),
    "again": AGAIN_WORDS.values(),
    "window": [window.name for window in DEFAULT_WINDOWS],
    COUNTRY: {*NAMES.values(), "no country"},
}
"""Words that stand in tables and enums, by what they are about."""

ALL: Final[frozenset[str]] = frozenset()

SENTENCES: Final[Mapping[str, frozenset[str]]] = {
    "campaign/bisect.py": ALL,
    "campaign/chunks.py": ALL,
    "campaign/circuit_breaker.py": ALL,
    "campaign/opted_out.py": ALL,
    "campaign/reconcile.py": frozenset({"_word_on"}),
    "campaign/run.py": ALL,
    "campaign/run_state.py": ALL,
    "campaign/stop.py": ALL,
    "campaign/submit.py": ALL,
    "campaign/timetable.py": ALL,
    "campaign/track.py": ALL,
    "campaign/whole_run.py": ALL,
    "model/guard.py": ALL,
    "model/lost.py": ALL,
    "model/meta_codes.py": ALL,
    "model/next_steps.py": ALL,
    "model/opt_outs.py": ALL,
    "model/remainder.py": ALL,
    "model/situation.py": ALL,
    "model/whole.py": ALL,
    "planning/admission.py": ALL,
    "planning/check_row.py": ALL,
    "planning/consent.py": ALL,
    "planning/marketing.py": frozenset({"category_notes"}),
    "planning/notes.py": ALL,
    "planning/number_text.py": ALL,
    "planning/own_rows.py": ALL,
    "planning/phone.py": ALL,
    "planning/plan.py": frozenset({"_sheet_note", "_test", "leave_out", "_look_for_longest", "_previews"}),
    "planning/rejections.py": ALL,
    "planning/rendering.py": ALL,
    "planning/retry_people.py": ALL,
    "planning/rows_jsonl.py": ALL,
    "planning/rows_objects.py": ALL,
    "planning/rows_table.py": frozenset({"from_cells", "_mark", "parse"}),
    "planning/suppress_files.py": frozenset({"_read_tables", "notes"}),
    "planning/text_checks.py": frozenset({"check_text", "_damage"}),
    "quota/window.py": ALL,
    "sources/excel.py": ALL,
    "sources/header.py": frozenset({"title_note"}),
    "sources/quotes.py": frozenset({"odd_cells"}),
    "sources/spelling.py": ALL,
    "transport/session.py": frozenset({"_without_answer"}),
    "transport/verdict.py": ALL,
    "transport/wire.py": frozenset({"_why_unusable"}),
}
"""Where the library makes sentences that are shown: in which functions, or in all of the module."""

PUT_TOGETHER: Final[Mapping[str, str]] = {
    ", missing scope {}": "the token may not send (403: no, missing scope messages:write)",
    ", field {}": "the service refuses every such request (400: bad, field channel_id)",
    "it has {} recipients, and the chunk has {}": (
        "it has 3 recipients, and the chunk has 4: it is another broadcast, and is not followed"
    ),
    "{}: it is another broadcast, and is not followed": (
        "it has 3 recipients, and the chunk has 4: it is another broadcast, and is not followed"
    ),
    "{}, more than the {} allowed": "3 of 10 delivered so far failed, more than the 20% allowed",
    "{} of {} delivered so far failed": "3 of 10 delivered so far failed, more than the 20% allowed",
    "of the canary, {}, more than the {} allowed": (
        "of the canary, 3 of 10 delivered so far failed, more than the 20% allowed"
    ),
    "{} who {} left": "to send to the 3 people who are left, once it is approved again, as it was planned",
    "what was unknown is settled; ": "what was unknown is settled; 1 person is still to be submitted",
    "{} {} still to be submitted": "what was unknown is settled; 12 people are still to be submitted",
    "{} in {} row{}": (
        "the column Acepta is not used, and may say who wants no messages (no in 1 row, si in 1,200 rows,"
        " ...): who must get none is to be taken out of the list, or named with --suppress"
    ),
    "rows {} to {}": "read is the sheet 'Base' of a.xlsx, rows 2 to 9",
    "read is the sheet {} of {}, {}": "read is the sheet 'Base' of a.xlsx, rows 2 to 9",
    "row {}{}": (
        "1 row of the sheet 'Base' is hidden or filtered out, and was left out (row 7); --hidden-rows reads"
        " them, too"
    ),
    "not due yet": "left out before it was submitted, as webhooks told since: 1 not due yet",
    "not to be sent to again": (
        "left out before it was submitted, as webhooks told since: 1 not to be sent to again"
    ),
    "not before something is fixed": (
        "left out before it was submitted, as webhooks told since: 1 not before something is fixed"
    ),
    "retried already": "left out before it was submitted, as webhooks told since: 1 retried already",
    "perhaps on their way": (
        "left out before it was submitted, as webhooks told since: 1 perhaps on their way"
    ),
    "{} {}, which the submit policy resends": "503 Service Unavailable, which the submit policy resends",
    "{}, from {}": "part 1/2, from 1000: to see what can be reached",
    "part {}/{}": "part 1/2",
}
"""Sentences of which the code has only parts, by the part; each is said as a whole."""

WHOLE: Final = (
    *PUT_TOGETHER.values(),
    "its time (part 1/2, from 1000)",
    "part 1/2, from 1000: interrupted; part 2/2, from 2000: the quota of 60/60s is spent",
    "left out before it was submitted, as webhooks told since: 2 delivered, 1 not due yet",
    "codigo is a formula, not what it gives: open the list in a spreadsheet and copy it as values",
    "the number is a float: write it as text, +5491155555555",
    "meta_data meta.x has a value that is to be written yet",
    "too long for Chad (9 digits behind +235, 6 or 7 or 8 needed): write it in E.164, such as +5491155555555",
    "no phone of Germany begins like this: write it in E.164, such as +5491155555555",
    "nombre (and codigo) is missing: the template asks for it; if nomber is meant, rename it",
)

NO_SENTENCES: Final = frozenset({"The campaign that runs."})
"""A docstring of an attribute."""


def test_every_text_of_the_command_is_in_each_catalogue() -> None:
    for language in OTHERS:
        forms = catalogue(language)
        missing = [(key, texts) for key, texts in texts_of_the_command() if key not in forms]
        assert missing == [], language
        uneven = [key for key, texts in texts_of_the_command() if len(forms[key]) != len(texts)]
        assert uneven == [], f"{language}: one form, or two: one for 1 and one for more"


def test_no_text_is_in_a_catalogue_that_nothing_says() -> None:
    said = {key for key, _ in texts_of_the_command()}
    for language in OTHERS:
        others = {key for key in catalogue(language) if key[0] not in OF_LIBRARY}
        assert sorted(others - said) == [], language


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_of_its_text(language: str) -> None:
    for (about, english), forms in catalogue(language).items():
        there = places(english)
        for form in forms:
            if about in OF_LIBRARY:
                may_lack = {name for name, kind in there.items() if kind in {PIECE, PIECES}}
                assert set(there) - may_lack <= set(places(form)) <= set(there), english
            else:
                assert set(places(form)) == set(there), english
        assert english.endswith(" ") == forms[-1].endswith(" "), english
        assert english[:1] not in {" ", ",", ";"} or forms[0][:1] == english[:1], english


@pytest.mark.parametrize("module", sorted(SENTENCES))
def test_every_sentence_of_the_library_is_in_each_catalogue(module: str) -> None:
    made = {skeleton(text) for text in sentences(module, SENTENCES[module])} - NO_SENTENCES
    for language in OTHERS:
        known = {skeleton(english) for about, english in catalogue(language) if about in OF_LIBRARY}
        missing = sorted(made - known - set(PUT_TOGETHER))
        assert missing == [], language


@pytest.mark.parametrize("sentence", sorted({*WHOLE}))
def test_a_sentence_that_is_put_together_is_said_as_a_whole(sentence: str) -> None:
    for language in OTHERS:
        with speaking(language):
            assert in_language(sentence) != sentence


def test_no_sentence_is_listed_that_the_library_does_not_make() -> None:
    made = {skeleton(text) for module, inside in SENTENCES.items() for text in sentences(module, inside)}

    assert sorted(set(PUT_TOGETHER) - made) == []
    assert sorted(NO_SENTENCES - made) == []


def test_a_catalogue_says_its_language_and_reads_as_gettext_reads_it() -> None:
    for language in OTHERS:
        text = (CATALOGUES / f"{language}.po").read_text(encoding="utf-8")
        assert f'"Language: {language}\\n"' in text
        assert not re.search(r"^#, fuzzy", text, re.MULTILINE)
        assert not [key for key, forms in read_catalogue(text).items() if not all(forms)]


def texts_of_the_command() -> Iterator[tuple[Key, tuple[str, ...]]]:
    """Every text that the command says: under which key, and its forms."""
    for file in sorted((PACKAGE / "cli").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SPEAKING:
                if file.name in {"figures.py", "library_words.py"} and not literal(call.args[-1]):
                    continue  # hands on what it was given
                yield from texts_of(call, where=f"{file.name}:{call.lineno}")
    for about, words in WORDS.items():
        yield from (((about, word), (word,)) for word in words)


def texts_of(call: ast.Call, *, where: str) -> Iterator[tuple[Key, tuple[str, ...]]]:
    about = next((literal(each.value) for each in call.keywords if each.arg == "about"), "")
    assert isinstance(call.func, ast.Name)
    texts = [literal(each) for each in call.args[-SPEAKING[call.func.id] :]]
    if about in WORDS and texts == [""]:
        return
    assert all(texts), f"{where}: a text stands where it is said, as it is"
    given = {each.arg for each in call.keywords} - {"about"} | (
        {"count"} if call.func.id == "counted" else set()
    )
    for text in texts:
        assert set(places(text)) - given == set(), f"{where}: {text}"
    yield (about, texts[0]), tuple(texts)


def literal(node: ast.expr) -> str:
    """The text that stands there; empty if it is something else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def places(text: str) -> dict[str, str]:
    """The places of a text, each with its kind."""
    return {name: kind or "" for _, name, kind, _ in Formatter().parse(text) if name is not None}


def skeleton(text: str) -> str:
    """A text with its places empty."""
    return re.sub(r"\{[^}]*\}", "{}", text)


def sentences(module: str, inside: frozenset[str]) -> Iterator[str]:
    """The texts of several words in a module, or *inside* its functions of these names, with their places."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    roots: list[ast.AST] = [tree]
    if inside:
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        roots = [node for node in ast.walk(tree) if isinstance(node, functions) and node.name in inside]
        assert {node.name for node in roots if isinstance(node, functions)} == inside
    for root in roots:
        yield from _texts(root)


def _texts(node: ast.AST) -> Iterator[str]:
    if _is_no_text(node):
        return
    text = _with_places(node)
    if text is None:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)
        return
    if isinstance(node, ast.JoinedStr):
        for inner in node.values:
            if isinstance(inner, ast.FormattedValue):
                yield from _texts(inner.value)
    words = re.findall(r"[a-z]{2,}", skeleton(text))
    is_command = re.match(r"\{(PROGRAM|resume)\} ", text)
    is_type = text.endswith(" | None")
    if " " in text.strip() and words and not is_command and not is_type:
        yield text


def _is_no_text(node: ast.AST) -> bool:
    """What a person is not shown: docstrings, errors, patterns, types, formats of times, and commands."""
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return True
    if isinstance(node, ast.AnnAssign | ast.arg):
        return False
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called == "re.compile" or called.endswith((".strftime", "lazily", "TypeVar", "cast"))
    return isinstance(node, ast.FormattedValue)


def _with_places(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            f"{{{ast.unparse(each.value)}}}" if isinstance(each, ast.FormattedValue) else literal(each)
            for each in node.values
        )
    return None
