import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import specrun

PACKAGE = Path(specrun.__file__).parent
# From the top down: a module imports from its own package and from layers below it.
LAYERS = (
    {"cli"},
    {"pages"},
    {"report"},
    {"apply", "plan", "verify"},
    {"cluster"},
    {"provider", "server"},
    {"spec"},
    {"catalog"},
    {"store"},
    {"provenance"},
    {"model"},
    {"addresses", "group_write", "imaging"},
    {"apart", "atomic", "batches", "canonical", "diagnostics", "globbing", "image_structure", "media_type", "nesting"}
    | {"secrets", "urls"},
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
# Planning asks no one and makes nothing.
NEVER = {"plan": {"provider", "server"}}
TERMINAL_LIBRARIES = {"click", "rich"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(path.read_text("utf-8"))


def imports(module: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def part(name: str) -> str:
    return name.split(".")[1] if name.startswith("specrun.") else ""


def test_imports_go_downward_only() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, module in modules()
        for imported in imports(module)
        if (above := part(name)) in RANK and (below := part(imported)) in RANK and above != below
        if RANK[below] <= RANK[above] or below in NEVER.get(above, set())
    ]
    assert wrong == []


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {part(name) for name, _ in modules()} - {"", "__main__"} == set(RANK)


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = {name for name, _ in modules()}
    TopologicalSorter({name: (imports(module) & known) - {name} for name, module in modules()}).prepare()


def test_only_the_command_line_and_its_reports_know_the_terminal() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, module in modules()
        for imported in imports(module)
        if imported.split(".")[0] in TERMINAL_LIBRARIES and part(name) not in {"cli", "report"}
    ]
    assert wrong == []
