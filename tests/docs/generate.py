"""Writes the parts of the documentation that follow from the code: `make reference`.

A page holds generated parts between `<!-- generated: NAME -->` and `<!-- end -->`; `GENERATORS` says what each name
stands for. `tests/docs/test_reference.py` fails when a part differs from what this module makes.
"""

import io
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click
from prometheus_client.registry import CollectorRegistry

from service.cli.main import main
from service.concurrency.supervisor import JobStatus, Supervisor
from service.core.events.writer import Counters
from service.http.api import Api, Route
from service.http.limits.admission import PLAYERS, Admission
from service.http.limits.shares import Shares
from service.security_log import SecurityLog
from service.server import app, openapi, ops
from service.server.loop_watch import LoopWatch
from service.server.readiness import Readiness
from service.settings import SETTING_SPECS, Settings
from service.telemetry import Observer, RequestMetrics

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ROOT / "docs"
PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)

APIS: Mapping[str, Api] = {api.name: api for api in (*app.APIS, openapi.openapi_api(app.APIS))}
DOCUMENT = openapi.document(app.APIS)


def generated(page: str) -> str:
    """The text of a page with each generated part as it has to be now."""

    def part(match: re.Match[str]) -> str:
        kind, _, about = match[2].partition(" ")
        return f"{match[1]}\n{GENERATORS[kind](about)}\n\n{match[3]}"

    return PART.sub(part, page)


def pages() -> list[pathlib.Path]:
    """Every page below `docs/`, in order."""
    return sorted(PAGES.rglob("*.md"))


def commands(group: click.Group = main, *above: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *(above or ("laurel",)), name)
        else:
            yield " ".join((*(above or ("laurel",)), name)), command


def path_of(route: Route) -> str:
    """A route's path as people write it: without expressions, without the optional slash."""
    return re.sub(r"\{(\w+)(:([^{}]|\{[^{}]*\})*)?\}", r"{\1}", route.path).removesuffix("{slash}")


def routes(names: str) -> Iterator[tuple[str, str]]:
    """Request and summary of each route of some APIs; a route that also stands below `/v1` is listed once."""
    for name in names.split():
        for route in APIS[name].routes:
            path = path_of(route)
            if not path.startswith("/v1/"):
                operation = DOCUMENT["paths"].get(path, {}).get(route.method.lower(), {})
                summary = operation.get("summary") or _first_line(route.handler.__doc__)
                yield f"{route.method} {path}", summary


def _command(name: str) -> str:
    command = dict(commands())[name]
    context = click.Context(command, info_name=name)
    usage = " ".join((name, *command.collect_usage_pieces(context)))
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n"))
    options = [one for one in command.params if isinstance(one, click.Option)]
    table = _table(
        ("Option", "Value", "Default", "Meaning"),
        ((f"`{one.opts[0]}`", _value(one), _default(one), one.help or "") for one in options),
    )
    return "\n\n".join(part for part in (f"## `{name}`", _sentences(text), f"```console\n{usage}\n```", table) if part)


def _value(option: click.Option) -> str:
    kind = option.type
    if option.is_flag:
        return "flag"
    if isinstance(kind, click.Choice):
        return ", ".join(f"`{choice}`" for choice in kind.choices)
    if isinstance(kind, click.IntRange):
        return f"{kind.min} to {kind.max}"
    kinds = {"file": "path", "directory": "path", "path": "path", "text": "text", "integer": "number", "uuid": "GUID"}
    return kinds[kind.name] + (", may be repeated" if option.multiple else "")


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    if option.is_flag or not isinstance(option.default, str | int) or option.default == "":
        return ""
    return f"`{option.default}`"


def _settings(_: str) -> str:
    defaults = Settings()

    def default(field: str) -> str:
        value = getattr(defaults, field)
        return "none" if value in (None, ()) else f"`{value}`"

    rows = ((f"`{one.name}`", default(one.field), one.expected) for one in SETTING_SPECS)
    return _table(("Setting", "Default", "Expected value"), rows)


def _routes(names: str) -> str:
    return _table(("Request", "Answer"), ((f"`{request}`", _sentence(summary)) for request, summary in routes(names)))


def _operations(tag: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every request of an API in the OpenAPI document, and what stands there of it."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if operation["tags"] == [tag]:
                yield f"{method.upper()} {path}", operation


def _resolved(item: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in item:
        _, kind, name = item["$ref"].rsplit("/", 2)
        item = DOCUMENT["components"][kind][name]
    return item


def _parameters(tag: str) -> str:
    """One row a parameter, for an API whose requests share them."""
    rows: dict[tuple[str, ...], None] = {}
    for _, operation in _operations(tag):
        for one in map(_resolved, operation.get("parameters", ())):
            if one["in"] != "path":
                rows[_parameter(one)] = None
    return _table(("Parameter", "In", "Value", "Meaning"), rows)


def _request_parameters(tag: str) -> str:
    """One row a parameter of each request, for an API whose requests differ."""
    rows = (
        (f"`{request}`", *_parameter(one))
        for request, operation in _operations(tag)
        for one in map(_resolved, operation.get("parameters", ()))
        if one["in"] != "path"
    )
    return _table(("Request", "Parameter", "In", "Value", "Meaning"), rows)


def _parameter(one: Mapping[str, Any]) -> tuple[str, ...]:
    return f"`{one['name']}`", one["in"], _type(one["schema"]), " ".join(one.get("description", "").split())


def _bodies(tag: str) -> str:
    """One row a member of each JSON body that an API takes; requests with the same body share its rows."""
    requests: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for request, operation in _operations(tag):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            requests.setdefault(tuple(_members(kind, _resolved(content["schema"]))), []).append(f"`{request}`")
    rows = ((", ".join(names), *member) for members, names in requests.items() for member in members)
    return _table(("Request", "Member", "Value", "Required"), rows)


def _members(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    if "properties" not in body:
        yield "", f"`{kind}`", ""
    for name, member in body.get("properties", {}).items():
        yield f"`{name}`", _type(member), "yes" if name in body.get("required", ()) else ""


def _type(schema: Mapping[str, Any]) -> str:
    schema = _resolved(schema)
    match schema:
        case {"anyOf": kinds}:
            text = " or ".join(dict.fromkeys(map(_type, kinds)))
        case {"enum": values}:
            text = ", ".join(f"`{value}`" for value in values if value != "")
        case {"const": value}:
            text = f"`{value}`"
        case {"type": [*kinds]}:
            text = " or ".join(kinds)
        case {"type": "array"}:
            text = f"list of {_type(schema['items'])}{_bounds(schema, 'Items')}"
        case {"type": "string"}:
            text = f"{schema.get('format', 'text')}{_bounds(schema, 'Length')}"
        case _:
            text = f"{schema.get('type', 'any')}{_bounds(schema, '')}"
    return text + _default_of(schema)


def _bounds(schema: Mapping[str, Any], what: str) -> str:
    low, high = schema.get(f"min{what}" if what else "minimum"), schema.get(f"max{what}" if what else "maximum")
    unit = {"Items": " items", "Length": " characters", "": ""}[what]
    if high is not None:
        return f", {low or 0} to {high}{unit}"
    return "" if not low else f", {low} or more{unit}"


def _default_of(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default is None else f" (default `{str(default).lower() if default in (True, False) else default}`)"


def _statuses(tag: str) -> str:
    """One row a status and meaning; 2xx and 304 are told with the routes."""
    rows: dict[tuple[str, str], None] = {}
    for _, operation in _operations(tag):
        for status, response in operation["responses"].items():
            if status >= "400":
                rows[status, _sentence(_resolved(response)["description"])] = None
    return _table(("Status", "When"), sorted(rows))


def _metrics(_: str) -> str:
    registry = CollectorRegistry()
    requests = RequestMetrics()
    requests.count("GET", "achievements", 200, 0.01)
    registry.register(requests)
    registry.register(ops.WriteMetrics(Counters()))
    jobs = Supervisor(Observer())
    jobs.statuses["releases"] = JobStatus()
    registry.register(jobs)
    admission = Admission()
    admission.flow(PLAYERS, is_safe=True)
    registry.register(admission)
    registry.register(ops.KeySetMetrics(lambda: 0.0))
    shares, security_log = Shares(Settings()), SecurityLog(None, stream=io.StringIO())
    shares.refused["xbox", "requests"] += 1
    security_log.write("authentication_failed")
    registry.register(shares)
    registry.register(security_log)
    registry.register(LoopWatch(Observer(), slow_steps={"xbox achievements": 1}))
    rows = []
    for family in registry.collect():
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows.append((f"`{name}`", family.type, ", ".join(f"`{label}`" for label in labels), family.documentation))
    return _table(("Metric", "Type", "Labels", "Meaning"), rows)


def _ops(_: str) -> str:
    routes = ops.operations(Readiness(), CollectorRegistry()).router.routes()
    found = {route.resource.canonical: _first_line(route.handler.__doc__) for route in routes if route.resource}
    return _table(("Path", "Answer"), ((f"`{path}`", answer) for path, answer in found.items()))


def _schema(_: str) -> str:
    (file,) = (ROOT / "service").rglob("schema.graphql")
    return f"```graphql\n{file.read_text(encoding='utf-8').strip()}\n```"


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?")) or not text else f"{text}."


def _sentences(text: str) -> str:
    """One sentence a line."""
    return re.sub(r"(?<=[.!?]) (?=[A-Z])", "\n", text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; nothing if there is no row. Columns that are empty throughout are left out."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    used = [index for index in range(len(head)) if index == 0 or any(row[index] for row in cells)]
    lines = ["| " + " | ".join(head[index] for index in used) + " |", "|" + "---|" * len(used)]
    lines += ["| " + " | ".join(row[index] for index in used) + " |" for row in cells]
    return "\n".join(lines) if cells else ""


GENERATORS: Mapping[str, Callable[[str], str]] = {
    "command": _command,
    "settings": _settings,
    "routes": _routes,
    "parameters": _parameters,
    "request-parameters": _request_parameters,
    "bodies": _bodies,
    "statuses": _statuses,
    "metrics": _metrics,
    "ops": _ops,
    "schema": _schema,
}

if __name__ == "__main__":
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := generated(text)) != text:
            page.write_text(new, encoding="utf-8")
            click.echo(page.relative_to(ROOT))
