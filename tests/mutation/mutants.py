"""The mutants of a module: its source with one small break each.

Most breaks are cosmic-ray's. Of those that say the same twice (eleven other signs for one plus) one or two
are taken, and none that only changes an annotation (`X | None`). It has none for what hurts most here, the
order of two statements and a statement that is not there, so these are ours, in the form of its operators.
"""

import pickle
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import count
from typing import Any, Final, Protocol

import msgspec
from cosmic_ray.ast import get_ast  # type: ignore[import-untyped]
from cosmic_ray.mutating import MutationVisitor  # type: ignore[import-untyped]
from cosmic_ray.plugins import get_operator  # type: ignore[import-untyped]
from parso.python.tree import Keyword, Name

_COMPARISONS: Final = {
    "Lt": ("LtE", "GtE"),
    "LtE": ("Lt", "Gt"),
    "Gt": ("GtE", "LtE"),
    "GtE": ("Gt", "Lt"),
    "Eq": ("NotEq",),
    "NotEq": ("Eq",),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
_ARITHMETIC: Final = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "FloorDiv": "Mul", "Mod": "Add"}
_OTHERS: Final = (
    "AddNot",
    "NumberReplacer",
    "RemoveDecorator",
    "ReplaceAndWithOr",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ZeroIterationForLoop",
)


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """*source* is all of the module with one break, at *line* (from 1), which was *before* and is *after*."""

    operator: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.operator}\n    - {self.before}\n    + {self.after}"


class Operator(Protocol):
    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]: ...

    def mutate(self, node: Any, index: int) -> Any: ...


class RemoveStatement:
    """A call or an assignment is not made. A docstring and a local name, without which nothing runs, stay."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and _acts(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        first = node.get_first_leaf()
        node.children[0] = Keyword("pass", (0, 0), first.prefix)
        return node


class SwapStatements:
    """A statement and the next one in its block change places."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        for first, second in self._pairs(node):
            yield node.children[first].start_pos, node.children[second].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        first, second = list(self._pairs(node))[index]
        children = node.children
        one, other = children[first].get_first_leaf(), children[second].get_first_leaf()
        one.prefix, other.prefix = other.prefix, one.prefix
        children[first], children[second] = children[second], children[first]
        return node

    def _pairs(self, node: Any) -> list[tuple[int, int]]:
        if node.type != "suite":
            return []
        acting = {place: child for place, child in enumerate(node.children) if _acts(child)}
        return [
            (place, place + 1)
            for place, child in acting.items()
            if place + 1 in acting and not (_only_assigns(child) and _only_assigns(acting[place + 1]))
        ]


class SwapNames:
    """The smaller for the larger, any for all."""

    _OTHER: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "name" and node.value in self._OTHER:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return Name(self._OTHER[node.value], node.start_pos, node.prefix)


def _acts(node: Any) -> bool:
    """It is a call or an assignment, and no annotation alone."""
    if node.type != "simple_stmt":
        return False
    statement = node.children[0]
    if statement.type == "expr_stmt":
        return bool(statement.children[1].type == "operator" or statement.children[0].type != "name")
    return statement.type in {"atom_expr", "await_expr", "power"}


def _only_assigns(node: Any) -> bool:
    """It gives something a name and waits for nothing: two of these in another order say the same."""
    return bool(node.children[0].type == "expr_stmt" and "await " not in node.get_code())


def mutants_of(source: str) -> Iterator[Mutant]:
    """Each mutant of a module, in the order of the operators."""
    tree = pickle.dumps(get_ast(source))
    for name, operator in _operators():
        for occurrence in count():
            mutated = _mutated(pickle.loads(tree), operator, occurrence)  # noqa: S301 - it is our own
            if mutated is None:
                break
            mutant = _mutant(name, source.splitlines(), mutated)
            if not _only_a_signature(mutant):
                yield mutant


def _mutated(tree: Any, operator: Operator, occurrence: int) -> str | None:
    """As `MutationVisitor.mutate_code`, which parses the source again each time, and takes twice as long."""
    visitor = MutationVisitor(occurrence, operator)
    visitor.walk(tree)
    return str(tree.get_code()) if visitor.mutation_applied else None


def _only_a_signature(mutant: Mutant) -> bool:
    """It changes the options or slots of a class or the star of a signature: the type checker's to hold."""
    return mutant.before.startswith(("class ", "__slots__ = ")) or (
        mutant.operator.endswith("Mul_Div") and "*," in mutant.before
    )


def _operators() -> Iterator[tuple[str, Operator]]:
    names = [
        f"ReplaceComparisonOperator_{one}_{other}" for one in _COMPARISONS for other in _COMPARISONS[one]
    ]
    names += [f"ReplaceBinaryOperator_{one}_{other}" for one, other in _ARITHMETIC.items()]
    for name in (*names, *_OTHERS):
        yield name, get_operator(f"core/{name}")()
    for ours in (RemoveStatement(), SwapStatements(), SwapNames()):
        yield type(ours).__name__, ours


def _mutant(operator: str, before: Sequence[str], source: str) -> Mutant:
    after = source.splitlines()
    changes = [
        c for c in SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if c[0] != "equal"
    ]
    start, end, new_start, new_end = changes[0][1], changes[-1][2], changes[0][3], changes[-1][4]
    return Mutant(
        operator=operator,
        line=start + 1,
        before=" / ".join(line.strip() for line in before[start:end]),
        after=" / ".join(line.strip() for line in after[new_start:new_end]),
        source=source,
    )
