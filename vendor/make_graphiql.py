# ruff: noqa: INP001  (a script beside its packages, no package of its own)
"""Writes the files of others that `/graphiql` serves, from the npm packages that package-lock.json pins.

    python vendor/make_graphiql.py <folder of node_modules> <folder to write into>

Scripts are as their packages ship them, under names that carry the version. The stylesheet is without the fonts that
are written into it: they are five sixths of it, and under licences of their own. `LICENSES.txt` has the licence text
of every package of which there is code in the bundle, as the bundle's source map names them.
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
    """Write the files, and take away those of other versions."""
    for old in target.glob("*-[0-9]*"):
        old.unlink()
    for name, script in _SCRIPTS:
        (target / f"{name}-{_about(modules / name)['version']}.min.js").write_bytes(
            (modules / name / script).read_bytes()
        )
    graphiql = modules / "graphiql"
    style = (graphiql / "graphiql.min.css").read_text(encoding="utf-8")
    (target / f"graphiql-{_about(graphiql)['version']}.min.css").write_text(_FONT.sub("", style), encoding="utf-8")
    packages = sorted({modules / "react", modules / "react-dom", graphiql, *_bundled(modules)})
    texts = (_licence(package) for package in packages)
    (target / "LICENSES.txt").write_text("\n".join(texts), encoding="utf-8")


def _bundled(modules: pathlib.Path) -> Iterator[pathlib.Path]:
    """The folders of all packages of which there is code in GraphiQL's bundle."""
    for source in json.loads((modules / "graphiql/graphiql.min.js.map").read_text(encoding="utf-8"))["sources"]:
        if found := _PACKAGE.match(source):
            yield modules / found[1]
        elif (found := _SIBLING.match(source)) and found[1] != "src":
            own = modules / "@graphiql" / found[1].removeprefix("graphiql-")
            yield own if own.exists() else modules / found[1]


def _licence(package: pathlib.Path) -> str:
    about = _about(package)
    files = [file for file in sorted(package.iterdir()) if _LICENCE.fullmatch(file.name)]
    text = "\n".join(file.read_text(encoding="utf-8").strip() for file in files)
    return f"{about['name']}: {about['license']}\n\n{text or 'The package has no text of its own.'}\n\n{'-' * 80}\n"


def _about(package: pathlib.Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((package / "package.json").read_text(encoding="utf-8"))
    return about


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
