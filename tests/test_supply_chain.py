"""The dependencies: pinned by hash, asked about known vulnerabilities, and listed with those of `/graphiql`."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def script(name):
    """A script of vendor/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "vendor" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_pinned_dependency_has_hashes():
    pins = (ROOT / ".ci/pins.txt").read_text(encoding="utf-8")
    requirements = [line for line in pins.replace("\\\n", "").splitlines() if re.match(r"[A-Za-z0-9]", line)]

    assert len(requirements) > 100
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []


def test_vulnerabilities_are_listed_and_skipped_packages_are_not_called_audited():
    audit = script("audit")
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3", "2.1"]}]},
            {"name": "c", "skip_reason": "not found"},
        ]
    }

    assert audit.audited(report) == ["a", "b"]
    assert audit.findings(report) == ["pip-audit: b 2: CVE-1, fixed in 3, 2.1"]


def test_audit_without_a_network_says_so_in_one_line_and_fails_nothing():
    closed = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(  # noqa: S603  (the project's own script)
        [sys.executable, ROOT / "vendor/audit.py"], check=False, capture_output=True, text=True, env=os.environ | closed
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{script('audit').UNREACHED}\n", "")


def test_bill_of_materials_lists_every_package_in_the_files_of_graphiql():
    listed = {component["name"] for component in script("make_sbom").javascript_components()}
    licences = (ROOT / "service/api/graphql/graphiql_files/LICENSES.txt").read_text(encoding="utf-8")
    bundled = set(re.findall(r"(?m)^((?:@[\w.-]+/)?[\w.-]+): [\w.() -]+\n\n", licences))

    assert len(bundled) > 20
    assert bundled - listed == set()
