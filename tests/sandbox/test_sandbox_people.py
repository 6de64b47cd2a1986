import csv
import re
import stat
from collections import Counter
from pathlib import Path

from keebai_async.sandbox.keebai.identity import identity
from keebai_async.sandbox.people import COLUMNS, RowKind, make_messy_list, messy_rows

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    return rows


def test_a_second_look_at_the_file_finds_what_the_summary_says(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"

    summary = make_messy_list(path)

    rows = read(path)
    found: Counter[str] = Counter()
    seen: set[str] = set()
    for to, *cells in rows:
        if not E164.fullmatch(to):
            found["malformed"] += 1
        elif len(cells) < 4 or not all(cell.strip() and cell.isprintable() for cell in cells[:2]):
            found["bad variables"] += 1
        elif identity(to) in seen:
            found["duplicate"] += 1
        else:
            seen.add(identity(to))
    assert summary.rows == len(rows) == 50_000
    assert found == {
        "malformed": summary.malformed,
        "bad variables": summary.bad_variables,
        "duplicate": summary.duplicates,
    }
    assert summary.good == len(seen)


def test_it_is_messy_in_every_way_it_names(tmp_path: Path) -> None:
    summary = make_messy_list(tmp_path / "clients.csv")

    assert min(summary.kinds[kind] for kind in RowKind) > 0
    assert (summary.duplicates, summary.malformed) == (600, 100)
    assert summary.rows == sum(summary.kinds.values())


def test_the_same_seed_gives_the_same_people_and_another_one_another_mess() -> None:
    assert list(messy_rows(count=2_000, seed=1)) == list(messy_rows(count=2_000, seed=1))
    assert list(messy_rows(count=2_000, seed=1)) != list(messy_rows(count=2_000, seed=2))


def test_a_duplicate_comes_after_the_person_it_repeats() -> None:
    first: dict[str, str] = {}
    respelled = 0
    for to, *_ in messy_rows(count=20_000):
        if E164.fullmatch(to) and first.setdefault(identity(to), to) != to:
            respelled += 1
            assert not re.fullmatch(r"\+549\d{10}|\+52\d{10}|\+55\d\d9\d{8}", to)
    assert respelled == 160


def test_a_short_list_is_all_good(tmp_path: Path) -> None:
    assert make_messy_list(tmp_path / "few.csv", count=3).good == 3
    assert make_messy_list(tmp_path / "none.csv", count=0).rows == 0


def test_a_file_with_people_in_it_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"

    make_messy_list(path, count=10)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
