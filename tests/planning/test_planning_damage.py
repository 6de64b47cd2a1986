"""What a machine wrote into a value in place of what was meant: rejected if certain, else noted."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keebai_async.model.recipient import Reason
from keebai_async.planning.text_checks import all_fine, check_text, oddities, unwrapped
from tests.planning.made import PROMO, both, flat, lines, person, planned

CERTAIN = [
    "#N/A",
    "#N/D",
    "#NV",
    "#REF!",
    "#¡REF!",
    "#VALUE!",
    "#¡VALOR!",
    "#VALOR!",
    "#NAME?",
    "#¿NOMBRE?",
    "#NOME?",
    "#DIV/0!",
    "#¡DIV/0!",
    "#NUM!",
    "#¡NUM!",
    "#NÚM!",
    "#¡NULO!",
    "#NULO!",
    "#ERROR!",
    "#SPILL!",
    "########",
    " #N/A ",
    "\\N",
    "Hola {{nombre}}",
    "{{ 1 }}",
    "{{}}",
    "${nombre}",
    "*|FNAME|*",
    "<<nombre>>",
    "[[nombre]]",
    "[object Object]",
    "[object Undefined],1",
    "Luc\ufffda",
    "Hola {{nombre",
    "{% if nombre %}",
    "#{nombre}",
    "nombre}}",
    "{{1}",
    "{!Contact.FirstName}",
    '=HYPERLINK("https://wa.me/5491155550101","Ana")',
    "=BUSCARV(A2;Hoja2!A:B;2;0)",
    "=VLOOKUP(A2,Sheet2!A:B,2,FALSE)",
    '=SI.ERROR(A2;"")',
    "=A2",
    "=$B$7",
    '=A2&" "&B2',
    "=+B2*1,21",
    "='Hoja 2'!A2",
    "=Clientes!A2",
    "=@INDIRECTO(A1)",
    "Err:502",
    "Cargando...",
    "b'abc'",
    "{'a': 1}",
    '{"a": 1}',
    "['a', 'b']",
    "Decimal('1.5')",
    "datetime.date(2026, 3, 15)",
    "<class 'str'>",
    "<app.Person object at 0x7f3a>",
    "java.lang.Object@1a2b3c",
    "1 day, 2:00:00",
    "0 days 02:00:00",
    "0.30000000000000004",
    "19.999999999999996",
    " 1358.0160000000001",
    "#PYTHON!",
    "/Date(1773284400000)/",
    "Thu Mar 12 2026 00:00:00 GMT-0300 (Argentina Standard Time)",
]
ROUNDED = [
    "1.00E-7",
    "0E-9",
    "6.46E17",
    "6.46e+17",
    "6,46E+17",
    "-1.5E-07",
    "1e-05",
    "1E+5",
    "1.0E10",
    " 6.46E17 ",
]
UNSEEN = [
    "\u200b",
    "\u200e\u200f",
    "\u3164",
    "\u2800",
    "\ufeff",
    "\u00ad",
    "\u115f\u1160",
    "\uffa0",
    "\u034f",
    "\ufe0f",
    "\u2060",
    "\u180e",
    " \u200b ",
    "\u3164 \u3164",
    "\U000e0020",
    "\u061c",
]
PROBABLE = [
    "NULL",
    "null",
    "(null)",
    "nan",
    "NaN",
    "None",
    "undefined",
    "UNDEFINED",
    "Undefined",
    "nULL",
    "sin nombre",
    "sin NOMBRE",
    "SIN nombre",
    "Sin Nombre",
    "No Aplica",
    "N/A",
    "NaT",
    "LucÃ­a",
    "SeÃ±ora",
    "JosÃ©",
    "â€œAnaâ€\x9d".replace("\x9d", ""),
    "Â¡Hola",
    "\u00f0\u0178\u02dc\u20ac",
    "{nombre}",
    "[nombre]",
    "Mu├▒oz",
    "Jos├®",
    "Ana_x000D_Paz",
    "Ana\\nPaz",
    "Ana\\r\\npaz",
    "-",
    ".",
    "s/d",
    "Sin nombre",
    "XXXX",
    "{nombre",
    "nombre}",
    "[FNAME",
    "nombre]",
    "<nombre",
    "{1",
    "${nombre",
    "*|FNAME|",
    "FNAME|*",
    "<<nombre>",
    "<nombre>>",
    "[[nombre]",
    "##NOMBRE##",
    "|NOMBRE|",
    "Hola {nombre}, hoy",
    "Hola %NOMBRE%",
    "=1+1",
    "=5",
    "=Ana",
    "%NOMBRE%",
    "[Nombre Cliente]",
    "{cliente.nombre}",
    "{0}",
    "%(nombre)s",
    "undefined undefined",
    "$ NaN",
    "Invalid date",
    "Jos&eacute; &amp; Ana",
    "Ana<br/>Paz",
    "Jos\\u00e9",
    "Ana null",
    "undefined Paz",
    "NaN Paz",
    "(en blanco)",
    "[]",
    "00/01/1900",
    "1899-12-30",
    "Jos\u201a",
    "Mu\u00a4oz",
    "Garc\u00a1a",
    "Jos\u017d",
    "Mu?oz",
    "Mu\u00bfoz",
    "Jos=C3=A9",
    "=?UTF-8?Q?Jos=C3=A9?=",
    "Jos%C3%A9",
    "Ana%20Paz",
    "Jos\\xc3\\xa9",
    "2026-03-12T00:00:00Z",
    "12/03/2026 0:00:00",
    "2026-03-12 00:00:00",
    "'Ana",
    "'00123",
    '"Ana"',
    "__NOMBRE__",
    "@@nombre@@",
    "{$nombre}",
    "%1$s",
]
FINE = [
    "Nulo",
    "Fernanda",
    "Nancy Null Pérez",
    "#1234",
    "#VERANO",
    "JOÃO",
    "MÃE",
    "Ângela",
    "100%",
    "$ 1,50",
    "N° 5",
    "a < b > c",
    "👩\u200d👧",
    "❤\ufe0f",
    "1 = 1",
    "C:\\Notas",
    "[1]",
    "{",
    "Ñandú",
    "=)",
    "= 5",
    "==",
    "20 %OFF 20%",
    "Curso [online]",
    "<3",
    "Ana <3 Beto",
    "a|b",
    "N° #12",
    "50]",
    "¡Hola!",
    "«Ana»",
    "—",
    "1E5",
    "12E34",
    "A1E5",
    "12E+34",
    "\u00bfVen\u00eds? S\u00ed",
    "Hola? ok?",
    "\u00a1Oferta! \u00a1Hoy!",
    "D'Angelo",
    "10:00",
    "15/03/2026 10:30",
    "15/03/2026 00:30",
    "https://tienda.ar/x?id=5",
    "Anulled",
    "20% de descuento",
    "SKU__1",
    "4E-2",
    "1.5E10X",
    "Talle 3E",
    "M&M; x",
    "O'Higgins (hijo)",
    'Ana "la loca"',
    "0.5",
    "0.123456789012345678",
    "2850590940090418135201",
    "3 days",
    "Errázuriz",
    "ana@paz.com.ar",
    "Nanami Undefinedo",
]


@pytest.mark.parametrize("value", CERTAIN)
def test_what_is_certainly_damaged_is_rejected(value: str) -> None:
    problem = check_text("nombre", value)

    assert problem is not None
    assert problem.reason is Reason.BAD_VARIABLE
    assert not all_fine([["Ana", value]])


@pytest.mark.parametrize("value", ROUNDED)
def test_a_number_with_an_exponent_has_lost_its_digits(value: str) -> None:
    problem = check_text("nombre", value)

    assert problem is not None
    assert problem.reason is Reason.SPREADSHEET_NUMBER
    assert not all_fine([["Ana", value]])


@pytest.mark.parametrize("value", UNSEEN)
def test_a_value_that_nobody_can_see_is_blank(value: str) -> None:
    problem = check_text("nombre", value)

    assert problem is not None
    assert problem.reason is Reason.BLANK_VARIABLE
    assert not all_fine([["Ana", value]])
    assert check_text("nombre", f"Ana{value}") is None


@pytest.mark.parametrize("value", PROBABLE)
def test_what_is_probably_damaged_is_sent_and_noted(value: str) -> None:
    assert check_text("nombre", value) is None
    assert list(oddities(value))
    assert not all_fine([["Ana", value]])


@pytest.mark.parametrize("value", FINE)
def test_what_a_person_wrote_is_left_alone(value: str) -> None:
    assert check_text("nombre", value) is None
    assert not list(oddities(value))
    assert unwrapped(value) == value


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*CERTAIN, *ROUNDED, *UNSEEN, *PROBABLE, *FINE]),
            st.text(min_size=1, max_size=5),
            st.text("09.eE+- \u00a0'\"b{[:]}(,", min_size=1, max_size=8),
            st.text('#N/AÃÂ\u00ad\u3164{}[]<>%="nul ', min_size=1, max_size=8),
        ),
        min_size=1,
        max_size=6,
    )
)
@example(["<{A\u00c2}<"])  # a place with a letter that is not of ASCII, beside signs
@settings(deadline=None, max_examples=500)
def test_many_values_are_fine_only_if_each_is_and_none_is_odd(values: list[str]) -> None:
    if all_fine([values]):
        for value in values:
            assert check_text("nombre", value) is None
            assert not list(oddities(value))
            assert unwrapped(value) == value


async def test_the_inside_of_a_formula_that_keeps_text_is_meant() -> None:
    made = await planned([person(1), person(2, saldo='="00123"')])

    assert made.people[1]["variables"] == {"nombre": "Persona 2", "saldo": "00123"}


async def test_each_doubt_is_counted_with_its_first_row_and_a_message_to_look_at() -> None:
    body = msgspec.Raw(b'{"type":"BODY","text":"Hola {{nombre}}: {{saldo}}"}')
    rows = [flat(n) for n in range(1, 6)]
    rows[1]["nombre"] = rows[3]["nombre"] = "NULL"
    rows[2]["nombre"] = "LucÃ­a"
    rows[4]["saldo"] = "una suma que se escribe con muchas letras"

    made = await planned(rows, msgspec.structs.replace(PROMO, components=(body,)))

    assert made.plan.ready == 5
    assert any(note.startswith("2 values") and "row 2" in note for note in made.plan.notes)
    assert any(note.startswith("1 value ") and "row 3" in note for note in made.plan.notes)
    assert made.plan.preview == "Hola Persona 1: 1,50"
    assert [(one.row, one.text) for one in made.plan.previews] == [
        (0, "Hola Persona 5: una suma que se escribe con muchas letras"),
        (2, "Hola NULL: 2,50"),
        (3, "Hola LucÃ­a: 3,50"),
    ]


async def test_both_paths_agree_on_damaged_values() -> None:
    values = [*CERTAIN, *ROUNDED, *UNSEEN, *PROBABLE, *FINE]
    data = b"\n".join(msgspec.json.encode(person(n, nombre=value)) for n, value in enumerate(values))

    checked = await both(PROMO, lines(data))

    assert len(checked.rejections) == len(CERTAIN) + len(ROUNDED) + len(UNSEEN)
