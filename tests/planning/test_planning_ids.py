"""The beginning of a campaign's id: readable, and nobody's number."""

import pytest

from keebai_async.model.plan import slug


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("Promo marzo", "promo-marzo"),
        ("Promo ver\u00e3o", "promo-verao"),
        ("A\u00f1o Nuevo, \u00a1\u00faltimos d\u00edas!", "ano-nuevo-ultimos-dias"),
        ("Promo 2026-11-05, 10% off", "promo-2026-11-05-10-off"),
        ("para +5491155550101", "para"),
        ("para +54 9 11 5555-0101 hoy", "para-hoy"),
        ("x5491155550101y", "x-y"),
        ("٥٤٩١١٥٥٥٥٠١٠١", "campaign"),
        ("5491155550101", "campaign"),
    ],
)
def test_a_name_becomes_a_beginning_without_any_number(name: str, begins: str) -> None:
    assert slug(name) == begins
