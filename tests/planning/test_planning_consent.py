"""A column that may say who wants no messages, and that a plan does not use, is shown with what is in it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.planning.consent import (
    UnusedConsent,
    is_no,
    may_say_who_wants_none,
    says_who_wants_none,
)
from keebai_async.planning.options import PlanOptions
from tests.planning.made import flat, person, planned


def service(number: int, **others: object) -> dict[str, object]:
    """Somebody in the service's own shape, with others beside it."""
    return person(number) | others


def notes_of(column: str, values: list[str]) -> list[str]:
    consent = UnusedConsent()
    consent.count(column, values)
    return list(consent.notes())


@pytest.mark.parametrize(
    "column",
    ["opt_in", "OptIn", "Suscripto", "Suscrito", "Subscribed", "Consentimiento", "Acepta todo",
     "Aceita receber", "autorización", "LGPD", "Permiso", "Habeas data"],
)  # fmt: skip
def test_a_column_that_says_who_wants_messages_is_known_by_its_name(column: str) -> None:
    assert says_who_wants_none(column)
    assert len(notes_of(column, ["SI", "quizás"])) == 1
    assert not notes_of(column, ["SI", "SI"])
    assert len(notes_of(column, ["NO"])) == 1


@pytest.mark.parametrize(
    "column",
    ["Opt-Out", "OptOut", "Unsubscribed from all email", "Desuscripto", "De baja", "BAJA", "No contactar",
     "No_Llamar", "Não enviar", "Do Not Call", "DNC", "Blacklist", "Lista negra", "Bloqueado", "Is Blocked",
     "Descadastrado"],
)  # fmt: skip
def test_a_column_that_says_who_wants_none_is_shown_also_if_all_of_them_want_none(column: str) -> None:
    assert says_who_wants_none(column)
    assert len(notes_of(column, ["SI", "quizás"])) == 1
    assert len(notes_of(column, ["SI", "SI"])) == 1
    assert len(notes_of(column, ["NO"])) == 1
    assert not notes_of(column, ["", ""])


@pytest.mark.parametrize(
    "column", ["Estado", "Status", "Situação", "Activo", "Notas", "Tags", "Observaciones"]
)
def test_a_column_that_may_hold_it_is_shown_only_if_somebody_said_no(column: str) -> None:
    assert may_say_who_wants_none(column)
    assert not says_who_wants_none(column)
    assert not notes_of(column, ["Jalisco", "Puebla"])
    assert len(notes_of(column, ["Jalisco", "BAJA"])) == 1


@pytest.mark.parametrize(
    "column", ["nombre", "edad", "ciudad", "precio", "apellido", "fecha", "sucursal", "to"]
)
def test_other_columns_are_nobodys_answer(column: str) -> None:
    assert not may_say_who_wants_none(column)


@pytest.mark.parametrize(
    "value",
    ["BAJA", "baja", "Dado de baja", "No", "NO", "false", "0", "Inactivo", "inativa", "Opt-out", "opted out",
     "OPTOUT", "STOP", "Unsubscribed", "desuscripto", "Bloqueado", "no contactar", "No quiere mensajes",
     "Não enviar", "do not call", "Lista negra", "cancelado"],
)  # fmt: skip
def test_a_no_is_known_however_it_is_written(value: str) -> None:
    assert is_no(value)


async def test_the_plan_counts_what_stands_in_such_a_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [flat(n, Estado="BAJA" if n % 3 == 0 else "Activo", edad=str(n)) for n in range(1, 601)]
    names = list(rows[0])
    path.write_text("\n".join(",".join(str(row[name]).replace(",", ".") for name in names) for row in rows))
    path.write_text(f"{','.join(names)}\n{path.read_text()}")
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(map(json.dumps, rows)))

    for people in (path, lines, rows):
        made = await planned(people)

        assert made.plan.ready == 600
        (note,) = made.plan.notes
        assert note == (
            "the column Estado is not used, and may say who wants no messages (BAJA in 200 rows, Activo in"
            " 400 rows): who must get none is to be taken out of the list, or named with --suppress"
        )


@pytest.mark.parametrize(
    ("rows", "counted"),
    [
        ([service(1, opt_in="no"), service(2, opt_in="si")], "no in 1 row, si in 1 row"),
        ([flat(n, opt_in="no", meta_data=None) for n in range(5)], "no in 5 rows"),
        ([flat(n, opt_in="no", saldo=n / 4) for n in range(5)], "no in 5 rows"),
        ([flat(1, opt_in="no", saldo=""), flat(2, opt_in="si"), flat(3, opt_in="")],
         "no in 1 row, nothing in 1 row, si in 1 row"),
        ([service(9), *(flat(n, opt_in="no") for n in range(5))], "no in 5 rows"),
        ([flat(9, opt_in="no"), *(service(n, opt_in="no") for n in range(5))], "no in 6 rows"),
    ],
)  # fmt: skip
async def test_it_is_counted_in_rows_of_any_shape(
    tmp_path: Path, rows: list[dict[str, object]], counted: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if v is not None}) for row in rows))

    for people in (rows, path):
        (note,) = (await planned(people)).plan.notes
        assert f"({counted})" in note


async def test_rows_behind_a_limit_are_not_counted() -> None:
    made = await planned([flat(n, opt_in="no") for n in range(2_000)], options=PlanOptions(limit=2))

    assert made.plan.read == 2
    assert "(no in 2 rows)" in made.plan.notes[0]


async def test_a_column_that_is_used_is_no_question(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("to,nombre,saldo,meta_estado\n+5491155550101,Ana,1,BAJA\n+5491155550102,Ana,1,x\n")
    assert (await planned(path)).plan.notes == ()
    path.write_text("to,nombre,estado\n+5491155550101,Ana,BAJA\n")
    assert (await planned(path, columns={"saldo": "estado"})).plan.notes == ()


@given(st.lists(st.lists(st.one_of(st.text(max_size=4), st.sampled_from(["BAJA", "no"])), max_size=40)))
@settings(deadline=None)
def test_every_no_is_counted_whatever_else_is_there(blocks: list[list[str]]) -> None:
    consent = UnusedConsent()
    for block in blocks:
        consent.count("notas", block)
    every = [value for block in blocks for value in block]

    (note, *more) = [*consent.notes(), ""]

    assert not any(more)
    assert bool(note) == any(map(is_no, every))
    for value in ("BAJA", "no"):
        if (count := every.count(value)) and len(set(filter(is_no, every))) <= 5:
            assert f"{value} in {count} row" in note


@pytest.mark.parametrize("shape", [flat, service])
async def test_several_are_shown_in_one_order_by_every_process(
    shape: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    columns = dict.fromkeys(["stop", "optin", "baja", "unsubscribed", "optout", "bloqueado", "dnc"], "no")
    path = tmp_path / "people.jsonl"
    path.write_text("\n".join(json.dumps(shape(number, **columns, n=number)) for number in range(3)))

    made = await planned(path)
    notes = [note for note in made.plan.notes if "who wants no messages" in note]

    assert [note.split()[2] for note in notes] == sorted(columns)
