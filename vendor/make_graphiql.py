# ruff: noqa: INP001  (a script beside its packages, no package of its own)
"""Generate the third-party files of `/graphiql` from the npm packages that package-lock.json pins.

    python vendor/make_graphiql.py <folder of node_modules> <folder to write into>

Scripts are unchanged, with the version in their names. The embedded fonts are removed from the stylesheet: they are
five sixths of it and have their own licences. `LICENSES.txt` has the licence texts of all packages in the bundle, as
listed in its source map.
"""

import json
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import Any

_SCRIPTS = (
    ("react", "umd/react.production.min.js"),
    ("react-dom", "umd/react-dom.production.min.js"),
    ("graphiql", "graphiql.min.js"),
)
_FONT = re.compile(r"@font-face\s*\{[^}]*\}")
_PACKAGE = re.compile(r".*node_modules/((?:@[^/]+/)?[^/]+)/")
_SIBLING = re.compile(r"(?:\.\./)+([a-z-]+)/")  # a package of GraphiQL's own repository
_LICENCE = re.compile(r"licen[cs]e(-mit)?(\.\w+)?", re.IGNORECASE)


def main(modules: pathlib.Path, target: pathlib.Path) -> None:
    """Write the files and remove those of other versions."""
    for old in target.glob("*-[0-9]*"):
        old.unlink()
    for name, script in _SCRIPTS:
        (target / f"{name}-{_package_json(modules / name)['version']}.min.js").write_bytes(
            (modules / name / script).read_bytes()
        )
    graphiql = modules / "graphiql"
    style = (graphiql / "graphiql.min.css").read_text(encoding="utf-8")
    (target / f"graphiql-{_package_json(graphiql)['version']}.min.css").write_text(
        _FONT.sub("", style), encoding="utf-8"
    )
    packages = sorted({modules / "react", modules / "react-dom", graphiql, *_bundled(modules)})
    texts = (_licence(package) for package in packages)
    (target / "LICENSES.txt").write_text("\n".join(texts), encoding="utf-8")


def _bundled(modules: pathlib.Path) -> Iterator[pathlib.Path]:
    """The folders of all packages in GraphiQL's bundle."""
    for source in json.loads((modules / "graphiql/graphiql.min.js.map").read_text(encoding="utf-8"))["sources"]:
        if match := _PACKAGE.match(source):
            yield modules / match[1]
        elif (match := _SIBLING.match(source)) and match[1] != "src":
            own = modules / "@graphiql" / match[1].removeprefix("graphiql-")
            yield own if own.exists() else modules / match[1]


def _licence(package: pathlib.Path) -> str:
    package_json = _package_json(package)
    files = [file for file in sorted(package.iterdir()) if _LICENCE.fullmatch(file.name)]
    text = "\n".join(file.read_text(encoding="utf-8").strip() for file in files)
    return f"{package_json['name']}: {package_json['license']}\n\n{text or 'The package has no text of its own.'}\n\n{'-' * 80}\n"


def _package_json(package: pathlib.Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((package / "package.json").read_text(encoding="utf-8"))
    return document


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
