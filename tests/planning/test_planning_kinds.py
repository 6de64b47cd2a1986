"""The kind of a block is asked in one place."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import keebai_async
from keebai_async.sources import Block, CellBlock, ColumnBlock
from keebai_async.sources.block import TableBlock

UNION = get_args(Block)
KINDS = {kind.__name__ for kind in (*UNION, CellBlock, ColumnBlock)}
PACKAGE = Path(keebai_async.__file__).parent


def asked(path: Path) -> Iterator[str]:
    """The kinds that a module asks for, by `isinstance` or `case`."""
    for node in ast.walk(ast.parse(path.read_text())):
        pattern = node.cls if isinstance(node, ast.MatchClass) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            pattern = node.args[1]
        if pattern is not None:
            yield from (
                each.id for each in ast.walk(pattern) if isinstance(each, ast.Name) and each.id in KINDS
            )


def test_only_the_reader_asks_which_kind_a_block_is_and_it_knows_all() -> None:
    found = {str(path.relative_to(PACKAGE)): list(asked(path)) for path in PACKAGE.rglob("*.py")}

    assert {name for name, kinds in found.items() if kinds} == {"planning/reader.py"}
    assert sorted(found["planning/reader.py"]) == sorted(
        kind.__name__ for kind in UNION if kind is not TableBlock
    )
    assert TableBlock in UNION  # what is left is a table, of whatever kind: nobody asks for one of these
