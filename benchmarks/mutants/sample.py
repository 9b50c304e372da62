"""Places at which a fault can be put into a module, and a seeded sample of them."""

import ast
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

# Faults that a tired programmer makes. What breaks every caller at once (a removed decorator, `+` in place of `@`) is
# noticed by any test and would flatter the figure.
SWAPS = {
    "Binary": ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv", "BitOr_BitAnd",
               "BitAnd_BitOr", "BitXor_BitAnd", "LShift_RShift", "RShift_LShift"),
    "Comparison": ("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt",
                   "GtE_Lt", "Is_IsNot", "IsNot_Is"),
    "Unary": ("USub_UAdd", "Delete_USub", "Delete_Invert", "Delete_Not"),
}  # fmt: skip
OPERATORS = (
    *(f"core/Replace{kind}Operator_{swap}" for kind, swaps in SWAPS.items() for swap in swaps),
    "core/AddNot", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue", "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd", "core/ReplaceBreakWithContinue", "core/ReplaceContinueWithBreak", "core/NumberReplacer",
    "core/ZeroIterationForLoop",
)  # fmt: skip
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: the n-th place of an operator in a module."""

    module: str  # path below the root of the project
    operator: str
    occurrence: int
    begin: Position  # line from 1, column from 0
    end: Position


def mutants_of(root: Path, module: str) -> list[Mutant]:
    """Every mutant of a module: in the bodies of functions, outside of annotations."""
    source = (root / module).read_text(encoding="utf-8")
    bodies, annotations = _statements(ast.parse(source))
    lines = source.splitlines()
    tree = get_ast_from_path(root / module)
    nodes = list(ast_nodes(tree))
    found = []
    for name in OPERATORS:
        operator = get_operator(name)()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (begin, end) in enumerate(places):
            doubled = name == "core/AddNot" and lines[begin[0] - 1][begin[1] :].startswith("not ")
            if _within(tuple(begin), bodies) and not _within(tuple(begin), annotations) and not doubled:
                found.append(Mutant(module, name, occurrence, tuple(begin), tuple(end)))
    return found


Span = tuple[Position, Position]


def _statements(tree: ast.Module) -> tuple[list[Span], list[Span]]:
    """Begin and end of what is in the bodies of functions; and of the annotations within, which nobody evaluates."""
    bodies: list[Span] = []
    annotations: list[Span] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            bodies += [_span(statement) for statement in node.body]
            told = [node.args.args, node.args.kwonlyargs, node.args.posonlyargs]
            annotations += [_span(one.annotation) for each in told for one in each if one.annotation is not None]
            annotations += [_span(node.returns)] if node.returns is not None else []
        elif isinstance(node, ast.AnnAssign):
            annotations.append(_span(node.annotation))
    return bodies, annotations


def _span(node: ast.expr | ast.stmt) -> Span:
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _within(place: Position, spans: Iterable[Span]) -> bool:
    return any(first <= place < last for first, last in spans)


def draw(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """So many different places, and one mutant of each. The same for the same code, count and seed."""
    places: dict[tuple[str, Position, Position], list[Mutant]] = {}
    for mutant in mutants:
        places.setdefault((mutant.module, mutant.begin, mutant.end), []).append(mutant)
    dice = random.Random(seed)
    chosen = dice.sample(sorted(places), min(count, len(places)))
    return [dice.choice(sorted(places[place], key=lambda one: (one.operator, one.occurrence))) for place in chosen]


def mutated(source: str, mutant: Mutant) -> str:
    """The source of its module with the fault in it; ValueError where there is no such place."""
    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    if changed is None or changed == source:
        raise ValueError(f"{mutant.module}: no place {mutant.occurrence} for {mutant.operator}")
    return str(changed)


def changed_lines(source: str, other: str) -> tuple[str, str]:
    """The lines that differ, before and after, without what is around them."""
    before, after = source.splitlines(), other.splitlines()
    if len(before) != len(after):
        raise ValueError("a mutant changes lines and neither adds nor removes any")
    rows = [row for row, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
    return _joined(before, rows), _joined(after, rows)


def _joined(lines: Sequence[str], rows: Sequence[int]) -> str:
    return " ".join(lines[row].strip() for row in rows)
