"""What a title counts, in our TOML: metrics, attributes, and the measures of requirements. Pure."""

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
    """One of `[[metrics]]`; its name goes to `texts`."""
    key = table.required("key", values.label)
    name = table.required("name", values.text)
    if table.is_valid:
        texts[model.metric_key(key)] = name
    found = Metric(
        key=key,
        public_id=table.optional("public_id", values.label, key),
        unit_type=table.optional("unit_type", _unit_type, "number"),
        units=table.optional("units", values.label, None),
        status=table.optional("status", _metric_status, "active"),
    )
    table.report_unknown()
    return found


def attribute(table: Fields) -> Attribute:
    """One of `[[attributes]]`."""
    key = table.required("key", values.label)
    found = Attribute(
        key=key,
        public_id=table.optional("public_id", values.label, key),
        kind=table.required("kind", _kind),
        name=table.optional("name", values.label, key),
    )
    table.report_unknown()
    return found


def measure(table: Fields | None) -> Measure | None:
    """The `measure` of a requirement, None if it has none."""
    if table is None:
        return None
    found = Measure(
        aggregate=table.required("aggregate", _aggregate),
        metric=table.optional("metric", values.label, None),
        where=pairs(table.nested("where")),
        of=table.optional("of", values.label, None),
        period_seconds=table.optional("period", _period, None),
        achievements=table.list_of("achievements", values.label) or (),
    )
    table.report_unknown()
    return found


def pairs(table: Fields | None) -> Pairs:
    """Attribute keys and the values that they must have."""
    return () if table is None else tuple(sorted(table.pairs(values.label, values.label).items()))


def written_metric(one: Metric, name: str) -> dict[str, Any]:
    """A metric by our names, its defaults left out."""
    members: dict[str, Any] = msgspec.to_builtins(one)
    if one.public_id == one.key:
        del members["public_id"]
    return {"key": one.key, "name": name, **members}


def written_attribute(one: Attribute) -> dict[str, Any]:
    """An attribute by our names, its defaults left out."""
    members: dict[str, Any] = msgspec.to_builtins(one)
    return {name: value for name, value in members.items() if name in ("key", "kind") or value != one.key}


def written_requirement(one: Requirement) -> dict[str, Any]:
    """A requirement by our names, its defaults left out."""
    members: dict[str, Any] = msgspec.to_builtins(one)
    if one.measure is not None:
        if one.measure.where:
            members["measure"]["where"] = dict(one.measure.where)
        if one.measure.period_seconds is not None:
            del members["measure"]["period_seconds"]
            members["measure"]["period"] = _written_period(one.measure.period_seconds)
    return members


def _period(value: object) -> int:
    match = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidValue("period", f'expected a time such as "7d", "12h", "90m" or "30s", got {values.shown(value)}')
    return int(match[1]) * _UNITS[match[2]]


def _written_period(seconds: int) -> str:
    unit, size = next((unit, size) for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // size}{unit}"
