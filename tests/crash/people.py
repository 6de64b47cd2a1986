"""The people of these tests: so many, numbered, each with variables of their own."""

from collections.abc import Iterator

NAME = "Promo marzo"


def number(person: int) -> str:
    return f"+549{1_100_000_000 + person}"


def everybody(count: int) -> Iterator[dict[str, str]]:
    for person in range(count):
        yield {"to": number(person), "nombre": f"Ana {person}", "codigo": "M-7"}
