"""A clean list, with habits of real lists at random rows: nobody is lost, changed or new.

A person who was ready stays ready, with the same number and text, or is rejected with a reason.
"""

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.planning.identity import identity
from keebai_async.planning.number_forms import calling_code
from keebai_async.planning.plan import PlanOptions
from tests.planning.made import planned

Habit = Callable[[str], str]
"""What becomes of a number."""


def code(to: str) -> str:
    """The plus and country code of a number."""
    return f"+{calling_code(to[1:])}"


def local(to: str) -> str:
    """The rest of it."""
    return to.removeprefix(code(to))


NUMBERS: list[Habit] = [
    lambda to: to,
    lambda to: f" {to} ",
    lambda to: f"'{to}",
    lambda to: f'="{to}"',
    lambda to: f"\u202a{to}\u202c",
    lambda to: f"\ufeff{to}\u200b",
    lambda to: f"{code(to)}\u00a0{local(to)}",
    lambda to: f"({code(to)}) {local(to)}",
    lambda to: f"+ {to[1:]}",
    lambda to: f"00{to[1:]}",
    lambda to: f"+00 {to[1:]}",
    lambda to: f"{to}.0",
    lambda to: f"tel:{to}",
    lambda to: f"https://wa.me/{to[1:]}",
    lambda to: f"{to[1:]}@s.whatsapp.net",
    lambda to: f"{code(to)} 0{local(to)}",
    lambda to: f"{code(to)}0{local(to)}",
    lambda to: to[1:],
    lambda to: f"{to[1:]}.0",
    lambda to: local(to),
    lambda to: f"0{local(to)}",
    lambda to: to[:-2],
    lambda to: f"{to}12",
    lambda to: f"{to[1:]}@lid",
    lambda to: f"{to} / {to[:-1]}9",
    lambda to: f"{float(to[1:]):.5E}",
    lambda to: "",
]
TEXTS: list[Habit] = [
    lambda text: text,
    lambda text: f'="{text}"',
    lambda text: "#N/A",
    lambda text: "#¡REF!",
    lambda text: "\\N",
    lambda text: "{{nombre}}",
    lambda text: "[object Object]",
    lambda text: text.replace("a", "\ufffd"),
    lambda text: "\u200b\u3164",
    lambda text: f"{text}\n",
    lambda text: "",
]
PLACES = [
    ("AR", ["+5491155550{:03}", "+541144440{:03}", "+5493513330{:03}"]),
    ("BR", ["+5511987650{:03}", "+555133330{:03}"]),
    ("MX", ["+525512340{:03}", "+528181230{:03}"]),
    ("UY", ["+59899123{:03}", "+59824123{:03}"]),
    ("PE", ["+51987654{:03}"]),
]


@given(
    st.sampled_from(PLACES),
    st.lists(st.tuples(st.integers(0, 26), st.integers(0, 10), st.booleans()), min_size=1, max_size=30),
)
@settings(deadline=None, max_examples=150)
async def test_habits_lose_change_or_add_nobody(
    place: tuple[str, list[str]], habits: list[tuple[int, int, bool]]
) -> None:
    region, forms = place
    clean = [(forms[n % len(forms)].format(n), f"Ana {n}") for n, _ in enumerate(habits)]
    rows = [
        (NUMBERS[number](to), text) if on_number else (to, TEXTS[damage](text))
        for (to, text), (number, damage, on_number) in zip(clean, habits, strict=True)
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["to", "nombre", "saldo"])
        writer.writerow(["+12025550123", "Zoe", "1"])  # somebody is always ready
        writer.writerows([to, text, "1"] for to, text in rows)
        file.flush()

        made = await planned(Path(file.name), options=PlanOptions(default_region=region))

    ready = dict(zip(map(str, made.numbers), (one["variables"] for one in made.people), strict=True))
    assert ready.pop("+12025550123") == {"nombre": "Zoe", "saldo": "1"}
    who = {identity(to): text for to, text in clean}
    for number, variables in ready.items():
        assert variables == {"nombre": who[identity(number)], "saldo": "1"}
    assert len(ready) + len(made.rejections) == len(clean)
    assert all(out.detail for out in made.rejections)
