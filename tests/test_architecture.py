"""Imports only point down, gradio stays in the page, torch stays out of the pure floors."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS: tuple[tuple[str, ...], ...] = (
    ("types", "errors", "settings", "version", "stamps", "annotation_types"),
    ("images", "prompting", "rendering", "trials", "metrics", "clock", "wording", "attribution", "edits",
     "counterfactuals", "answer_scores", "topics", "comparison", "annotation_sources", "judgments_checks", "fair_lock"),
    ("hub", "dual_encoder", "encoder", "index", "memory_writer", "memory", "model_files", "decoding", "visual",
     "kv_cache", "prefill", "drafting", "merging", "mixing", "generator",
     "judgments_schema", "judgments_database", "judgments_export", "annotation_forget", "judgments", "annotation_rows",
     "annotation_hand_out", "annotation"),
    ("request", "retriever", "study_neighbours", "study_compare", "study_attribute", "study", "pipeline",
     "analysis", "evaluation", "datasets"),
    ("ui", "cli", "cli_evaluate", "cli_output", "__main__"),
)  # fmt: skip
"""Modules and packages of raven_core by floor; ``__init__`` re-exports and stands beside floor 4."""

PAGE, SCRIPTS = 4, 4


def floor_of(module: str) -> int:
    """The floor of a dotted module of ours; app is 5, finetune stands beside the faces."""
    parts = module.split(".")
    if parts[0] == "app":
        return 5
    if parts[0] == "finetune" or parts == ["raven_core"]:
        return SCRIPTS
    floors = [number for number, names in enumerate(FLOORS) if parts[1] in names]
    assert floors, f"{module} stands on no floor: add it to FLOORS"
    return floors[0]


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def sources() -> dict[str, Path]:
    """Our modules by dotted name."""
    files = [ROOT / "app.py", *(ROOT / "raven_core").rglob("*.py"), *(ROOT / "finetune").rglob("*.py")]
    return {module_name(path): path for path in files if path.is_file()}


@functools.cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module a file imports, anywhere in it, as dotted names; ``TYPE_CHECKING`` blocks do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unreal = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in unreal:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively: name the module in full"
            base = node.module or ""
            found |= {f"{base}.{alias.name}" for alias in node.names} | {base}
    return frozenset(found)


@functools.cache
def our_imports(path: Path) -> set[str]:
    """The modules of ours that a file imports; ``from raven_core import images`` counts as the module itself."""
    known = sources()
    found = imports_of(path) & set(known)
    return {name for name in found if not any(other.startswith(name + ".") for other in found)}


def test_every_module_has_a_floor():
    for module in sources():
        assert 0 <= floor_of(module) <= 5


@pytest.mark.parametrize("module", sorted(sources()))
def test_imports_point_down(module):
    for imported in our_imports(sources()[module]):
        assert floor_of(imported) <= floor_of(module), f"{module} imports {imported} from a higher floor"


def test_the_library_knows_nothing_of_training_nor_of_the_page():
    for module, path in sources().items():
        if module.startswith("raven_core") and not module.startswith("raven_core.ui"):
            above = {name for name in imports_of(path) if name.split(".")[0] in ("finetune", "app", "tests")}
            above |= {name for name in our_imports(path) if name.startswith("raven_core.ui")}
            assert not above, f"{module} imports {above}"


def test_there_are_no_circles():
    graph = {module: our_imports(path) - {module} for module, path in sources().items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail, module])
        if module not in done:
            for imported in graph[module]:
                visit(imported, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_gradio_is_imported_by_the_page_alone():
    for module, path in sources().items():
        uses = any(name.split(".")[0] == "gradio" for name in imports_of(path))
        assert not uses or module == "app" or module.startswith("raven_core.ui"), f"{module} imports gradio"


def test_the_pure_floors_know_no_torch():
    heavy = {"torch", "transformers", "sentence_transformers", "faiss", "sqlalchemy", "gradio"}
    for module, path in sources().items():
        if module.startswith("raven_core.") and floor_of(module) <= 1:
            used = {name.split(".")[0] for name in imports_of(path)} & heavy
            assert not used, f"{module} imports {used}"


def test_nothing_depends_on_torchvision():
    for module, path in sources().items():
        assert not any(name.split(".")[0] == "torchvision" for name in imports_of(path)), module
