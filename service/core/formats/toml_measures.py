"""Read and write the metrics, attributes and measures of a title's TOML. Pure."""

import re
from typing import Any

import msgspec

from service.core.catalog import model
from service.core.catalog.model import Attribute, Measure, Metric, Pairs, Requirement
from service.core.formats.syntax.fields import Fields
from service.core.validation import values
from service.core.validation.diagnostics import InvalidValue

_PERIOD = re.compile("([1-9][0-9]{0,8})([dhms])")
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

trust = values.one_of("server", "client")
status = values.one_of("inactive", "active", "locked", "archived")
_metric_status = values.one_of("active", "archived")
_unit_type = values.one_of("number", "currency")
_kind = values.one_of("user", "event")
_aggregate = values.one_of("sum", "max", "last", "streak", "distinct", "age", "unlocks")


def metric(table: Fields, texts: dict[str, str]) -> Metric:
    """One of `[[metrics]]`. Adds its name to `texts`."""
    key = table.required("key", values.label)
    name = table.required("name", values.text)
    if table.is_valid:
        texts[model.metric_key(key)] = name
    result = Metric(
        key=key,
        public_id=table.optional("public_id", values.label, key),
        unit_type=table.optional("unit_type", _unit_type, "number"),
        units=table.optional("units", values.label, None),
        status=table.optional("status", _metric_status, "active"),
    )
    table.report_unknown()
    return result


def attribute(table: Fields) -> Attribute:
    """One of `[[attributes]]`."""
    key = table.required("key", values.label)
    result = Attribute(
        key=key,
        public_id=table.optional("public_id", values.label, key),
        kind=table.required("kind", _kind),
        name=table.optional("name", values.label, key),
    )
    table.report_unknown()
    return result


def measure(table: Fields | None) -> Measure | None:
    """The `measure` of a requirement; None if the table has none."""
    if table is None:
        return None
    result = Measure(
        aggregate=table.required("aggregate", _aggregate),
        metric=table.optional("metric", values.label, None),
        where=pairs(table.nested("where")),
        of=table.optional("of", values.label, None),
        period_seconds=table.optional("period", _period, None),
        achievements=table.list_of("achievements", values.label) or (),
    )
    table.report_unknown()
    return result


def pairs(table: Fields | None) -> Pairs:
    """The conditions of a table: attribute keys and the values that they must have, ordered by key."""
    return () if table is None else tuple(sorted(table.pairs(values.label, values.label).items()))


def metric_table(item: Metric, name: str) -> dict[str, Any]:
    """The TOML table of a metric, without defaults."""
    members: dict[str, Any] = msgspec.to_builtins(item)
    if item.public_id == item.key:
        del members["public_id"]
    return {"key": item.key, "name": name, **members}


def attribute_table(item: Attribute) -> dict[str, Any]:
    """The TOML table of an attribute, without defaults."""
    members: dict[str, Any] = msgspec.to_builtins(item)
    return {name: value for name, value in members.items() if name in ("key", "kind") or value != item.key}


def requirement_table(item: Requirement) -> dict[str, Any]:
    """The TOML table of a requirement, without defaults."""
    members: dict[str, Any] = msgspec.to_builtins(item)
    if item.measure is not None:
        if item.measure.where:
            members["measure"]["where"] = dict(item.measure.where)
        if item.measure.period_seconds is not None:
            del members["measure"]["period_seconds"]
            members["measure"]["period"] = _period_text(item.measure.period_seconds)
    return members


def _period(value: object) -> int:
    match = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidValue("period", f'expected a time such as "7d", "12h", "90m" or "30s", got {values.shown(value)}')
    return int(match[1]) * _UNITS[match[2]]


def _period_text(seconds: int) -> str:
    unit, size = next((unit, size) for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // size}{unit}"
