"""ARCHITECTURE.md and the documentation for developers name only files, packages and functions that exist."""

import ast
import pathlib
import re
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
DOCUMENTS = (
    ARCHITECTURE,
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs/decisions").glob("*.md")),
    *sorted((ROOT / "docs/development").glob("*.md")),
    *sorted((ROOT / "docs/explanation").glob("*.md")),
)
MAP_ENTRY = re.compile(r"^(?P<indent>[│ ]*)[├└]── (?P<name>[\w.]+/?)")


def spans(document: pathlib.Path) -> list[str]:
    """The inline code of a document."""
    prose = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def names_in(module: pathlib.Path) -> set[str]:
    """What a module defines at its top level, and the methods of its classes as `Class.method`."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names.add(node.name)
            case ast.ClassDef():
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                names |= {node.name, *(f"{node.name}.{method.name}" for method in methods)}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_named_path_exists(document):
    paths = [
        span for span in spans(document) if re.fullmatch(r"(?:service|sql|tests|docs|locales|\.github)/[\w./-]*", span)
    ]

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_named_function_exists():
    named = [span for span in spans(ARCHITECTURE) if re.fullmatch(r"[a-z_]+(?:\.[A-Za-z_]+)+", span)]
    named = [span for span in named if not re.search(r"\.(?:py|toml|sql|md|json)$", span)]

    def exists(span: str) -> bool:
        module, _, name = span.partition(".")
        return any(name in names_in(path) for path in (ROOT / "service").rglob(f"{module}.py"))

    assert named
    assert [span for span in named if not exists(span)] == []


def test_the_map_lists_every_package_and_root_module():
    block = re.search(r"^```\nservice/\n(.*?)^\n", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    mapped, above = set(), [""]
    for line in block[1].splitlines():
        entry = MAP_ENTRY.match(line)
        assert entry is not None, line
        depth = len(entry["indent"]) // 4
        above[depth + 1 :] = [f"{above[depth]}{entry['name']}"]
        mapped.add(above[depth + 1])

    service = ROOT / "service"
    packages = {path.parent.relative_to(service) for path in service.rglob("__init__.py")} - {pathlib.Path()}
    shown = {f"{package}/" for package in packages if len(package.parts) <= 2}
    modules = {path.name for path in service.glob("*.py")} - {"__init__.py"}
    assert mapped == shown | modules


def test_the_import_order_is_that_of_the_contracts():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    orders = [
        " → ".join(contract["layers"]).replace("|", "·")
        for contract in contracts
        if contract["type"] == "layers" and contract["containers"] in (["service"], ["service.core"])
    ]

    assert re.findall(r"^```\n(.* → .*)\n```$", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE) == orders


def test_the_index_lists_every_decision():
    folder = ROOT / "docs/decisions"
    rows = re.findall(r"^\| \[(\d+)\]\(([^)]+)\) \| (.*) \| (\S+) \|$", (folder / "index.md").read_text(), re.MULTILINE)

    written = []
    for path in sorted(folder.glob("[0-9]*.md")):
        heading = re.match(r"# (\d{4}) (.*)\n\nDate: (\d{4}-\d{2}-\d{2})\n", path.read_text(encoding="utf-8"))
        assert heading is not None, path.name
        written.append((heading[1], path.name, heading[2], heading[3]))
    assert rows == written
