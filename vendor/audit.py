# ruff: noqa: INP001  (a script beside its packages, no package of its own)
"""Look for known vulnerabilities in the pinned dependencies, if the advisories can be reached: `make check` runs it.

Exit status 1 if there are any. Without advisories it says so in one line and exits with 0, so that nobody needs a network
to check a change.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

PINS = pathlib.Path(__file__).parents[1] / ".ci/pins.txt"
UNREACHED = "pip-audit: not checked, advisories cannot be reached from here"
_PROBE = "pip==26.3\n"  # one package with an entry in every index: asking for all of them takes longer
_TIMEOUT_SECONDS = "5"


def main() -> int:
    """Audit the pins; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        probe = pathlib.Path(folder) / "probe.txt"
        probe.write_text(_PROBE, encoding="ascii")
        if not audited(run(probe, "--no-deps")):
            print(UNREACHED)  # noqa: T201
            return 0
    report = run(PINS, "--require-hashes")
    lines = findings(report) if audited(report) else [UNREACHED]
    for line in lines:
        print(line)  # noqa: T201
    return 1 if findings(report) else 0


def run(requirements: pathlib.Path, *options: str) -> dict[str, Any]:
    """The report of pip-audit; an empty one if it could not reach anything."""
    command = (sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    done = subprocess.run(  # noqa: S603
        (*command, "--timeout", _TIMEOUT_SECONDS, *options, "--requirement", str(requirements)),
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        return {"dependencies": []}
    return report


def audited(report: dict[str, Any]) -> list[str]:
    """The dependencies whose advisories were read."""
    return [entry["name"] for entry in report["dependencies"] if "skip_reason" not in entry]


def findings(report: dict[str, Any]) -> list[str]:
    """A line for each vulnerability."""
    return [
        f"pip-audit: {entry['name']} {entry['version']}: {advisory['id']},"
        f" fixed in {', '.join(advisory['fix_versions']) or 'no version'}"
        for entry in report["dependencies"]
        for advisory in entry.get("vulns", ())
    ]


if __name__ == "__main__":
    sys.exit(main())
