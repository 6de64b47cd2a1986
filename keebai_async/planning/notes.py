"""What a person should know of a plan before saying yes: a sentence each, and messages to look at."""

from collections.abc import Iterable, Iterator
from typing import Final

from keebai_async.model.plan import Preview, SuppressListCount
from keebai_async.planning.codec import RowCodec, WireRow
from keebai_async.planning.corrections import Corrections, Oddity
from keebai_async.planning.dedupe import Deduper
from keebai_async.planning.template import preview
from keebai_async.privacy import mask

MANY = 2_000_000
"""People from which on it is worth saying what a set of them takes."""

_SAYS: Final = {
    Oddity.PARSED: "{count:,} numbers in local spellings were read and are sent in E.164",
    Oddity.LANDLINE: "{count:,} of them are fixed lines, which rarely have WhatsApp",
    Oddity.AMBIGUOUS: (
        "{count:,} numbers without a plus are numbers of another country too, if they begin with a country"
        " code; the first is in row {row}, and is sent as one of {region}"
    ),
    Oddity.WHITESPACE: "{count:,} values had line breaks, tabs or runs of spaces flattened",
    Oddity.NOTHING: (
        "{count:,} values are a word that programs write for nothing, such as NULL or nan; the first is in"
        " row {row}"
    ),
    Oddity.MISREAD: (
        "{count:,} values have letters that were read in a wrong encoding, such as \u00c3\u00b1 for \u00f1;"
        " the first is in row {row}"
    ),
    Oddity.PLACEHOLDER: "{count:,} values look like a place to be filled; the first is in row {row}",
    Oddity.FORMULA: "{count:,} values begin with = as formulas do; the first is in row {row}",
    Oddity.ESCAPED: (
        "{count:,} values have text as web pages or programs write it, such as &amp; or <br>; the first is in"
        " row {row}"
    ),
}
_SAYS_OF_ONE: Final = {
    Oddity.PARSED: "1 number in a local spelling was read and is sent in E.164",
    Oddity.LANDLINE: "1 number is a fixed line, which rarely has WhatsApp",
    Oddity.AMBIGUOUS: (
        "1 number without a plus is a number of another country too, if it begins with a country code; it is"
        " in row {row}, and is sent as one of {region}"
    ),
    Oddity.WHITESPACE: "1 value had line breaks, tabs or runs of spaces flattened",
    Oddity.NOTHING: (
        "1 value is a word that programs write for nothing, such as NULL or nan; it is in row {row}"
    ),
    Oddity.MISREAD: (
        "1 value has letters that were read in a wrong encoding, such as \u00c3\u00b1 for \u00f1; it is in"
        " row {row}"
    ),
    Oddity.PLACEHOLDER: "1 value looks like a place to be filled; it is in row {row}",
    Oddity.FORMULA: "1 value begins with = as a formula does; it is in row {row}",
    Oddity.ESCAPED: (
        "1 value has text as web pages or programs write it, such as &amp; or <br>; it is in row {row}"
    ),
}
_SHOWN: Final = {
    Oddity.PARSED: "the first whose number was in a local spelling",
    Oddity.AMBIGUOUS: "the first whose number is one of another country too",
    Oddity.WHITESPACE: "the first with flattened blanks",
    Oddity.NOTHING: "the first with a word for nothing",
    Oddity.MISREAD: "the first with letters in a wrong encoding",
    Oddity.PLACEHOLDER: "the first with a place to be filled",
    Oddity.FORMULA: "the first that begins as a formula does",
    Oddity.ESCAPED: "the first with text of a web page or a program",
}


def notes(
    corrections: Corrections, people: Deduper, lists: Iterable[SuppressListCount], region: str
) -> Iterator[str]:
    """The sentences that apply. *region* is the country of numbers without a plus, in words."""
    for oddity, says in _SAYS.items():
        if noted := corrections.noted.get(oddity):
            sentence = says if noted.count > 1 else _SAYS_OF_ONE[oddity]
            yield sentence.format(count=noted.count, row=noted.row, region=region)
    yield from map(_of_list, lists)
    if len(people) > MANY and not people.compact:
        yield (
            f"deduplicating {len(people):,} people took about {len(people) * 73 // 1_000_000:,} MB;"
            f" keebai-async[large] does it in {len(people) * 16 // 1_000_000:,} MB"
        )


def previews(corrections: Corrections, codec: RowCodec) -> Iterator[Preview]:
    """The message of one row of each note."""
    for oddity, why in _SHOWN.items():
        if noted := corrections.noted.get(oddity):
            yield message_of(codec, noted.first, why, row=noted.row)


def message_of(codec: RowCodec, person: WireRow, why: str, *, row: int = 0) -> Preview:
    """The message that *person* will read."""
    return Preview(
        why=why,
        row=row,
        text=preview(codec.template, codec.values(person)),
        to=mask(person.to),
    )


def _of_list(each: SuppressListCount) -> str:
    if not each.numbers:
        return f"{each.name} holds no number: nobody is left out because of it"
    header = f"; its line {each.header_line} was taken for a header" if each.header_line else ""
    if each.numbers == 1:
        found = "it is in the list" if each.in_list else "it is not in the list"
        return f"{each.name} holds 1 number of somebody who is not to be messaged, {found}{header}"
    return (
        f"{each.name} holds {each.numbers:,} numbers of people who are not to be messaged,"
        f" {each.in_list:,} of them in the list{header}"
    )
