"""What the project says of itself is true: requirements, the Space's configuration, the map of the code, sizes."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"raven_core", "finetune", "tests", "app"}
PACKAGES = {"PIL": "pillow", "faiss": "faiss-cpu", "sentence_transformers": "sentence-transformers"}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
MEGABYTE = 1_000_000


def lines(name: str) -> list[str]:
    """The lines of a requirements file without comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]


def required() -> dict[str, str]:
    """Package → the versions of it that the app takes."""
    found = (re.match(r"([A-Za-z0-9_.-]+)(.*)", line) for line in lines("requirements.txt"))
    return {match[1].lower(): match[2] for match in found if match}


def pinned() -> dict[str, str]:
    """Package → its exact version in the checks."""
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines("constraints.txt"))}


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def front_matter() -> dict[str, str]:
    """The scalar entries of the README's head."""
    head = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    pairs = (line.split(": ", 1) for line in head.splitlines() if ": " in line)
    return {key: value.strip('"') for key, value in pairs}


def modules() -> list[Path]:
    files = [ROOT / "app.py", *(ROOT / "raven_core").rglob("*.py"), *(ROOT / "finetune").rglob("*.py")]
    return [path for path in files if path.name != "__init__.py"]


def imported() -> set[str]:
    """Top-level packages that the program imports and that do not come with Python."""
    names: set[str] = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
    return names - OURS - set(sys.stdlib_module_names)


def test_requirements_are_what_the_program_imports():
    assert {PACKAGES.get(name, name) for name in imported()} == set(required())


def test_the_pinned_versions_are_ones_the_requirements_take():
    for package, wanted in required().items():
        have = number(pinned()[package.replace("-", "_") if package.replace("-", "_") in pinned() else package])
        for sign, bound in re.findall(r"(>=|<=|<)([\d.]+)", wanted):
            limit = number(bound)
            assert {">=": have >= limit, "<=": have <= limit, "<": have < limit}[sign], f"{package} {have} {wanted}"


def test_the_pinned_versions_name_no_place():
    for line in lines("constraints.txt"):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9a-z.]+", line), line


def test_nothing_asks_for_torchvision():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = [*lines("requirements.txt"), *lines("constraints.txt"), *(x for extra in extras.values() for x in extra)]
    assert not [line for line in asked if "torchvision" in line or "[vision]" in line or "[image]" in line]


def test_the_spaces_front_matter_is_true():
    head = front_matter()
    assert head["sdk"] == "gradio" and head["sdk_version"] == pinned()["gradio"]
    assert (ROOT / head["app_file"]).is_file()
    assert head["license"] == "apache-2.0" and "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert len(head["short_description"]) <= 60
    assert number(head["python_version"]) >= (3, 11)
    assert {head["colorFrom"], head["colorTo"]} <= COLOURS


def test_the_map_names_every_module():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in modules():
        relative = path.relative_to(ROOT)
        name = relative.as_posix() if len(relative.parts) < 3 else "/".join(relative.parts[1:])
        short = re.escape(name.removeprefix("raven_core/").removeprefix("finetune/"))
        assert re.search(rf"(?<![\w/]){short}(?![\w/])", text), f"docs/architecture.md does not name {relative}"


def test_links_between_the_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_make_has_the_commands_that_the_documents_name():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        named = [*re.findall(r"`make ([a-z -]+)`", text), *re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)]
        assert {target for names in named for target in names.split()} <= targets, page.name


@pytest.mark.skipif(not (ROOT / "assets").is_dir(), reason="the assets are not built")
def test_the_assets_fit_into_a_plain_repository():
    sizes = {path: path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()}
    assert max(sizes.values()) < 10 * MEGABYTE, max(sizes, key=lambda path: sizes[path])
    assert sum(sizes.values()) < 50 * MEGABYTE
