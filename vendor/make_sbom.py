# ruff: noqa: INP001  (a script beside its packages, no package of its own)
"""Write the software bill of materials (CycloneDX 1.6) of what Laurel ships and installs: `make sbom` runs it.

The Python packages are those of an environment with the wheel alone, as cyclonedx-py lists them. The JavaScript packages
are those that the files of `/graphiql` are built from, as their lock file lists them.
"""

import json
import pathlib
import subprocess
import sys
from typing import Any
from urllib.parse import quote

ROOT = pathlib.Path(__file__).parents[1]


def main(python: str, output: str) -> None:
    """Describe the environment of this interpreter, and the JavaScript packages."""
    document = describe_environment(python)
    document["components"] += javascript_components()
    root = document["metadata"]["component"]["bom-ref"]
    (dependencies,) = (entry for entry in document["dependencies"] if entry["ref"] == root)
    references = [component["bom-ref"] for component in javascript_components()]
    dependencies["dependsOn"] = sorted([*dependencies.get("dependsOn", ()), *references])
    pathlib.Path(output).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def describe_environment(python: str) -> dict[str, Any]:
    """The bill of materials of a Python environment."""
    tool = pathlib.Path(sys.executable).with_name("cyclonedx-py")
    options = ("--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--spec-version", "1.6", "--of", "JSON")
    done = subprocess.run((tool, "environment", *options, python), check=True, capture_output=True)  # noqa: S603
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def javascript_components() -> list[dict[str, Any]]:
    """The packages that the files of `/graphiql` are built from."""
    lock = json.loads((ROOT / "vendor/package-lock.json").read_text(encoding="utf-8"))
    components = []
    for path, package in lock["packages"].items():
        if not path:
            continue
        name = path.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{quote(name, safe='/')}@{package['version']}"
        component = {
            "type": "library",
            "name": name,
            "version": package["version"],
            "purl": purl,
            "bom-ref": purl,
        }
        if "license" in package:
            component["licenses"] = [{"expression": package["license"]}]
        components.append(component)
    return list({component["bom-ref"]: component for component in components}.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
