"""The arrows between rooms, read from the imports.

What a stub (``__init__.pyi``) imports counts, and so does what ``lazy("…")`` names: that a module
loads later changes nothing of what it needs.

Imports point only to the left; rooms on one level never import each other::

    errors, files, lazy → backend → formula | model | solve → scan → estimate → infer
    → report | storage → study → results → api → cli
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "statdl"
LEVELS = (
    ("errors", "files", "keywords", "kinds", "lazy"),
    ("backend", "datasets"),
    ("formula", "model", "solve"),
    ("scan",),
    ("estimate",),
    ("infer",),
    ("report", "storage"),
    ("study",),
    ("results",),
    ("api", "families", "links"),
    ("__init__",),
    ("cli", "sklearn"),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

# NumPy itself: to choose the array library, to read frames, to print, to load. Everything else
# takes its functions from the namespace of the arrays it is given, and so runs on any of them.
# infer and study: what they make of coefficients and replicates is on the host
NUMPY_ROOMS = {"formula", "scan", "infer", "report", "storage", "study", "datasets"}
CHOOSER = "backend/array.py"
NUMPY_FILES = {
    CHOOSER: "chooses",
    "backend/gram.py": "a fused kernel, with its plain twin beside it as the test's oracle",
    "backend/segments.py": "one as well",
    "solve/loops.py": "compiled loops; their plain twins are the other solvers of a path",
    "backend/snapshot.py": "files hold host arrays",
    "backend/random.py": "random orders are drawn on the host, whatever the device",
    "backend/memory.py": "the host's allocator",
    "estimate/separation.py": "the linear programme is solved on the host",
    "sklearn.py": "scikit-learn hands over host arrays",
}
AT_MODULE_TOP = {"numpy", "array_api_compat"}
#: The command line is made of click, and nothing else loads it.
PROGRAM = ("cli", "click")
#: Files of an extra, which nothing imports: classes must know what they inherit from.
EXTRAS = {"sklearn.py": "sklearn"}
LATE = {
    *("pandas", "scipy", "formulaic", "narwhals", "tqdm", "click", "matplotlib", "cupy", "polars"),
    "threadpoolctl",
}
#: What a regression does without: a package whose names load at first use has itself only.
LATER_ROOMS = (
    "study.",
    "storage.",
    "estimate.network",
    "model.network",
    "model.layer",
    "solve.training",
    "solve.descent",
    "solve.trust",
    "report.network",
    "report.page.",
    "report.plot.",
    "report.reading.",
    "results.network",
    "api.network",
)


@dataclass(frozen=True)
class Import:
    """One imported module: where, which, and whether in a function or only for type checkers."""

    file: str
    line: int
    module: str
    deferred: bool
    typing_only: bool

    def __str__(self) -> str:
        return f"statdl/{self.file}:{self.line} imports {self.module}"


def room_of(path: str) -> str:
    """The first part of a path or of a dotted name below statdl; a public name is of the top."""
    room = path.replace("/", ".").split(".")[0]
    return room if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file() else "__init__"


@cache
def files() -> dict[str, ast.Module]:
    """Every source file and stub of the package, parsed."""
    paths = sorted(PACKAGE.rglob("*.py*"))
    paths = [path for path in paths if path.suffix in (".py", ".pyi")]
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


def imports() -> list[Import]:
    """Every import in the package."""
    return [found for file, tree in files().items() for found in _imports(file, tree)]


def _imports(
    file: str, node: ast.AST, deferred: bool = False, typing_only: bool = False
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for module in _modules(file, child):
                yield Import(file, child.lineno, module, deferred, typing_only)
        inside = deferred or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = typing_only or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        )
        yield from _imports(file, child, inside, guarded)


def _modules(file: str, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        package = ["statdl", *Path(file).parent.parts]
        package = package[: len(package) - node.level + 1]
        base = ".".join([*package, *([node.module] if node.module else [])])
    else:
        base = node.module or ""
    # `from statdl import api` names a room only together with what is imported.
    return [f"{base}.{alias.name}" for alias in node.names] if base == "statdl" else [base]


def inside() -> list[Import]:
    """Imports of the package's own modules, those by lazy("…") among them."""
    named = [
        Import(file, line, name, deferred=False, typing_only=False)
        for file, tree in files().items()
        for line, name in lazy_names(tree)
    ]
    return [one for one in (*imports(), *named) if one.module.split(".")[0] == "statdl"]


def outside() -> list[Import]:
    """Imports from neither the package nor the standard library."""
    own = {"statdl", *sys.stdlib_module_names}
    return [found for found in imports() if found.module.split(".")[0] not in own]


def lazy_names(tree: ast.Module) -> list[tuple[int, str]]:
    """The modules asked for by lazy("…")."""
    return [
        (node.lineno, ast.literal_eval(node.args[0]))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "lazy"
    ]


def listed(violations: list[Import]) -> str:
    return "\n".join(map(str, violations))


def test_every_module_belongs_to_a_room():
    unknown = {room_of(file) for file in files()} - LEVEL.keys()
    assert not unknown, f"give {sorted(unknown)} a level in LEVELS, and a line in CONTRIBUTING.md"


def test_the_map_names_files_that_are_there():
    root = PACKAGE.parent
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]+\.(?:py|pyi|cu|md))`", text))
    assert len(named) > 50
    gone = {name for name in named if not ((root / name).is_file() or (PACKAGE / name).is_file())}
    assert gone == set()


def test_imports_point_only_to_the_left():
    wrong = [found for found in inside() if points_right(found)]
    assert not wrong, listed(wrong)


def points_right(found: Import) -> bool:
    """Whether an import of ours goes to another room that is not to the left."""
    room = room_of(found.file)
    target = room_of(found.module.removeprefix("statdl").lstrip(".") or "__init__")
    return target != room and LEVEL[target] >= LEVEL[room]


def test_no_import_of_our_own_hides_in_a_function():
    hidden = [found for found in inside() if found.deferred]
    assert not hidden, listed(hidden)


def test_other_packages_come_through_lazy():
    wrong = [
        found
        for found in outside()
        if not found.typing_only
        and (room_of(found.file), found.module) != PROGRAM
        and (found.deferred or found.module.split(".")[0] not in AT_MODULE_TOP)
        and EXTRAS.get(found.file) != found.module.split(".")[0]
    ]
    assert not wrong, listed(wrong)


def test_nothing_imports_an_extra():
    modules = {f"statdl.{file.removesuffix('.py')}" for file in EXTRAS}
    assert not [found for found in inside() if found.module in modules]


def test_numpy_is_imported_only_where_arrays_enter_or_leave():
    wrong = [
        found
        for found in outside()
        if found.module.split(".")[0] == "numpy"
        and not found.typing_only
        and found.file not in NUMPY_FILES
        and room_of(found.file) not in NUMPY_ROOMS
    ]
    assert not wrong, listed(wrong)


def files_that_know(package: str) -> set[str]:
    """Files that import a package or ask for it by lazy("…")."""
    imported = {found.file for found in outside() if found.module.split(".")[0] == package}
    asked = {
        file
        for file, tree in files().items()
        for _, name in lazy_names(tree)
        if name.split(".")[0] == package
    }
    return imported | asked


def test_only_arrays_and_devices_know_cupy():
    kernels = {"backend/special.py", "backend/kernels.py", "backend/epoch.py"}  # with plain twins
    places = {CHOOSER, "backend/device.py", "backend/cublas.py", "backend/graph.py"}
    assert files_that_know("cupy") <= {*places, *kernels}


def test_only_the_backend_knows_the_gpu_twin_of_scipy():
    assert {room_of(file) for file in files_that_know("cupyx")} <= {"backend"}


def test_lazy_modules_are_bound_at_module_top():
    for file, tree in files().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name != "lazy":
                assert not lazy_names(ast.Module([*node.body], [])), f"{file}: {node.name}"


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    code = f"import sys; {code}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


def ours(modules: set[str]) -> set[str]:
    """Those of the package, as dotted names below it."""
    return {name.removeprefix("statdl").lstrip(".") for name in modules if name[:6] == "statdl"}


def top_names(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


def test_import_loads_next_to_nothing():
    loaded = loaded_by("import statdl")
    assert not top_names(loaded) & {*LATE, "numpy"}
    assert ours(loaded) == {"", "lazy"}


def test_a_front_door_loads_numpy_and_what_it_fits_with():
    loaded = loaded_by("import statdl; statdl.lm, statdl.glm, statdl.multinom")
    assert not top_names(loaded) & LATE
    assert not {name for name in ours(loaded) if name.startswith(LATER_ROOMS)}


def test_readers_of_the_imports_see_what_lazy_names():
    tree = ast.parse('study = lazy("statdl.study.bootstrap")')
    assert lazy_names(tree) == [(1, "statdl.study.bootstrap")]
    wrong = Import("solve/newton.py", 1, "statdl.study.bootstrap", False, False)
    assert points_right(wrong)
    assert not points_right(Import("results/fit.py", 1, "statdl.study", False, False))
    assert points_right(Import("study/bootstrap.py", 1, "statdl.lm", False, False))


def test_readers_of_the_imports_see_what_they_should():
    source = """
import statdl.api
from statdl import report
from . import linalg
from ..errors import DataError
def hidden():
    import numpy
"""
    found = list(_imports("backend/array.py", ast.parse(source)))
    assert [(one.module, one.deferred) for one in found] == [
        ("statdl.api", False),
        ("statdl.report", False),
        ("statdl.backend", False),
        ("statdl.errors", False),
        ("numpy", True),
    ]
