"""Settings from LAUREL_* environment variables. Invalid settings abort startup and list the accepted values."""

import functools
import ipaddress
import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from service.errors import ConfigurationError
from service.integers import parse_integer

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
ReadPolicy = Literal["self", "public"]
Switch = Literal["on", "off"]
RateTier = Literal["off", "standard", "reduced"]
LogLevel = Literal["debug", "info", "warning", "error"]

CONTRACT_VERSIONS = (1, 2, 3, 4)
RATE_LIMITS: Mapping[RateTier, tuple[int, int] | None] = {"off": None, "standard": (10, 100), "reduced": (5, 50)}
"""Writes and reads per second and title of each tier, as Trophy documents them; None for no limit."""


class CallerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller may use of one process; 0 is no limit.

    `requests` a second, up to those of ten seconds at once; `concurrent` requests in progress; open `streams` (event
    streams and websockets); `upload` in MB a minute of bodies.
    """

    requests: int
    concurrent: int
    streams: int
    upload: int

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in msgspec.structs.asdict(self).items())


_LEAST_UPLOAD = 8  # MB: more than the longest body has
PLAYER_LIMITS = CallerLimits(requests=100, concurrent=32, streams=16, upload=16)
SERVER_LIMITS = CallerLimits(requests=1000, concurrent=256, streams=1000, upload=128)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. Durations are in seconds, sizes in bytes unless their name says otherwise."""

    data: pathlib.Path = pathlib.Path(".data")
    database_url: str | None = None
    pooler_url: str | None = None
    pool_size: int = 8
    issuer: str = "laurel"
    audience: str = "laurel"
    jwt_secret: str | None = None
    jwt_secret_previous: str | None = None
    jwt_public_key: str | None = None
    jwt_public_key_previous: str | None = None
    jwks_url: str | None = None
    read_policy: ReadPolicy = "self"
    session_idle: float = 1800.0
    default_contract: int = 1
    locale_max_distance: int = 50
    catalog_poll: float = 2.0
    child_processes: int = 1
    event_retention_months: int = 0
    rate_tier: RateTier = "off"
    player_limits: CallerLimits = PLAYER_LIMITS
    server_limits: CallerLimits = SERVER_LIMITS
    failed_sign_ins: int = 60
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[IPNetwork, ...] = ()
    pseudo_locales: Switch = "off"
    public_url: str | None = None
    open_badges: Switch | None = None
    outbound_networks: tuple[IPNetwork, ...] = ()
    drain: float = 1.0
    log_level: LogLevel = "info"
    security_log: pathlib.Path | None = None

    @property
    def has_open_badges(self) -> bool:
        """Whether Open Badges are served; if the setting does not say, only under a public URL."""
        return self.public_url is not None if self.open_badges is None else self.open_badges == "on"


class SettingSpec(msgspec.Struct, frozen=True):
    """How one setting is read: its field, a description of accepted values, and the function that parses the text."""

    name: str
    field: str
    expected: str
    read: Callable[[str], Any]
    is_secret: bool = False


def _whole(low: int, high: int) -> Callable[[str], int]:
    return functools.partial(parse_integer, least=low, most=high)


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if _DECIMAL.fullmatch(text) is None or not low <= float(text) <= high:
            raise ValueError
        return float(text)

    return read


def _one_of(words: Any, text: str) -> str:
    """The text, if it is one of the words of a `Literal`."""
    if text not in get_args(words):
        raise ValueError
    return text


def _choice(name: str, field: str, words: Any) -> SettingSpec:
    *others, last = get_args(words)
    return SettingSpec(name, field, f"{', '.join(others)} or {last}", functools.partial(_one_of, words))


def _limits(defaults: CallerLimits) -> Callable[[str], CallerLimits]:
    """Reads `name=number,…`; a limit that is not named keeps its default."""

    def read(text: str) -> CallerLimits:
        changes = {}
        for part in text.split(","):
            name, _, number = part.strip().partition("=")
            if name in changes or name not in CallerLimits.__struct_fields__:
                raise ValueError
            changes[name] = parse_integer(number, least=0, most=1_000_000)
        if 0 < changes.get("upload", 0) < _LEAST_UPLOAD:
            raise ValueError
        return msgspec.structs.replace(defaults, **changes)

    return read


def _limits_spec(name: str, field: str, callers: str, defaults: CallerLimits) -> SettingSpec:
    expected = (
        f"limits of one {callers}: requests= a second, concurrent=, streams= and upload= in MB a minute (at least "
        f"{_LEAST_UPLOAD}), with commas between; 0 for none"
    )
    return SettingSpec(name, field, expected, _limits(defaults))


def _rate_tiers() -> str:
    """The description of all tiers, such as "off or standard (10 writes and 100 reads a second and title)"."""
    *others, last = (
        tier if limits is None else f"{tier} ({limits[0]} writes and {limits[1]} reads a second and title)"
        for tier, limits in RATE_LIMITS.items()
    )
    return f"{', '.join(others)} or {last}"


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _folder(text: str) -> pathlib.Path:
    return pathlib.Path(_text(text))


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError
        return text

    return read


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in text.split(","))
    if not all(origin == "*" or re.fullmatch(r"https?://[^/\s]+", origin) for origin in origins):
        raise ValueError
    return origins


def _networks(text: str) -> tuple[IPNetwork, ...]:
    return tuple(ipaddress.ip_network(network.strip()) for network in text.split(","))


def _origin(text: str) -> str:
    origin = text.removesuffix("/")
    if re.fullmatch(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", origin, re.ASCII) is None:
        raise ValueError
    return origin


def _long_secret(text: str) -> str:
    if len(text.encode()) < 32:  # noqa: PLR2004  (RFC 7518 §3.2: an HS256 key has at least 256 bits)
        raise ValueError
    return text


def _public_key(text: str) -> str:
    """A PEM, or the content of a PEM file at a path."""
    pem = text if text.lstrip().startswith("-----BEGIN") else pathlib.Path(text).read_text(encoding="ascii")
    if "PUBLIC KEY" not in pem:
        raise ValueError
    return pem


_HMAC_KEY = "an HMAC secret of 32 bytes or more"
_PUBLIC_KEY = "a public key for RS256, ES256 or EdDSA, as PEM or the path of one"

SETTING_SPECS = (
    SettingSpec("LAUREL_DATA", "data", "a folder for the embedded PostgreSQL and the demo's signing key", _folder),
    SettingSpec(
        "LAUREL_DATABASE_URL",
        "database_url",
        "a URL such as postgresql://user:password@host:5432/laurel",
        _url("postgresql", "postgres"),
        is_secret=True,
    ),
    SettingSpec(
        "LAUREL_POOLER_URL",
        "pooler_url",
        "a URL of the same database through a pooler in transaction mode, such as PgBouncer",
        _url("postgresql", "postgres"),
        is_secret=True,
    ),
    SettingSpec("LAUREL_POOL_SIZE", "pool_size", "a number of connections per process, 1 to 100", _whole(1, 100)),
    SettingSpec("LAUREL_ISSUER", "issuer", "the `iss` that tokens must carry", _text),
    SettingSpec("LAUREL_AUDIENCE", "audience", "the `aud` that tokens must carry", _text),
    SettingSpec("LAUREL_JWT_SECRET", "jwt_secret", _HMAC_KEY, _long_secret, is_secret=True),
    SettingSpec("LAUREL_JWT_SECRET_PREVIOUS", "jwt_secret_previous", _HMAC_KEY, _long_secret, is_secret=True),
    SettingSpec("LAUREL_JWT_PUBLIC_KEY", "jwt_public_key", _PUBLIC_KEY, _public_key),
    SettingSpec("LAUREL_JWT_PUBLIC_KEY_PREVIOUS", "jwt_public_key_previous", _PUBLIC_KEY, _public_key),
    SettingSpec(
        "LAUREL_JWKS_URL",
        "jwks_url",
        "an https URL (http on loopback only) of a JSON Web Key Set",
        _url("https", "http"),
    ),
    _choice("LAUREL_READ_POLICY", "read_policy", ReadPolicy),
    SettingSpec(
        "LAUREL_SESSION_IDLE",
        "session_idle",
        "seconds after which a session of the workbench ends if it is not used, 60 to 86400",
        _seconds(60, 86_400),
    ),
    SettingSpec(
        "LAUREL_DEFAULT_CONTRACT",
        "default_contract",
        f"the contract version of requests without one, {CONTRACT_VERSIONS[0]} to {CONTRACT_VERSIONS[-1]}",
        _whole(CONTRACT_VERSIONS[0], CONTRACT_VERSIONS[-1]),
    ),
    SettingSpec("LAUREL_LOCALE_MAX_DISTANCE", "locale_max_distance", "a CLDR distance, 1 to 100", _whole(1, 100)),
    SettingSpec(
        "LAUREL_CATALOG_POLL", "catalog_poll", "seconds between polls for new releases, 0.1 to 60", _seconds(0.1, 60)
    ),
    SettingSpec(
        "LAUREL_CHILD_PROCESSES",
        "child_processes",
        "a number of child processes per process for imports, exports and publishing, 1 to 16",
        _whole(1, 16),
    ),
    SettingSpec(
        "LAUREL_EVENT_RETENTION_MONTHS",
        "event_retention_months",
        "number of whole months of the event log to keep, 0 for all, at most 1200",
        _whole(0, 1200),
    ),
    SettingSpec("LAUREL_RATE_TIER", "rate_tier", _rate_tiers(), functools.partial(_one_of, RateTier)),
    _limits_spec("LAUREL_PLAYER_LIMITS", "player_limits", "player", PLAYER_LIMITS),
    _limits_spec("LAUREL_SERVER_LIMITS", "server_limits", "server, editor or address", SERVER_LIMITS),
    SettingSpec(
        "LAUREL_FAILED_SIGN_INS",
        "failed_sign_ins",
        "a number of failed authentications a minute of one address, 0 for no limit, at most 1000000",
        _whole(0, 1_000_000),
    ),
    SettingSpec(
        "LAUREL_CORS_ORIGINS",
        "cors_origins",
        "origins such as https://game.example.com, separated by commas, or * for any",
        _origins,
    ),
    SettingSpec(
        "LAUREL_TRUSTED_PROXIES",
        "trusted_proxies",
        "addresses or networks such as 10.0.0.0/8, separated by commas, whose X-Forwarded-For and -Proto are believed",
        _networks,
    ),
    _choice("LAUREL_PSEUDO_LOCALES", "pseudo_locales", Switch),
    SettingSpec(
        "LAUREL_PUBLIC_URL",
        "public_url",
        "the public URL of the service, such as https://badges.example.com: scheme, host and port, without a path",
        _origin,
    ),
    _choice("LAUREL_OPEN_BADGES", "open_badges", Switch),
    SettingSpec(
        "LAUREL_OUTBOUND_NETWORKS",
        "outbound_networks",
        "networks that webhooks and badge verification may reach besides public addresses, such as 127.0.0.0/8,::1/128",
        _networks,
    ),
    SettingSpec(
        "LAUREL_DRAIN", "drain", "seconds to go on accepting connections after SIGTERM, 0 to 300", _seconds(0, 300)
    ),
    _choice("LAUREL_LOG_LEVEL", "log_level", LogLevel),
    SettingSpec("LAUREL_SECURITY_LOG", "security_log", "the file of the security log, which is appended to", _folder),
)

_KINDS_OF_KEYS = (
    ("LAUREL_JWT_SECRET", "LAUREL_JWT_SECRET_PREVIOUS"),
    ("LAUREL_JWT_PUBLIC_KEY", "LAUREL_JWT_PUBLIC_KEY_PREVIOUS"),
    ("LAUREL_JWKS_URL",),
)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in the environment, with defaults for the others.

    Raises:
        ConfigurationError: a value is not accepted, a name is unknown, or two kinds of keys are set.
    """
    known = {spec.name: spec for spec in SETTING_SPECS}
    names = (name for name in environment if name.startswith("LAUREL_") and not name.startswith("LAUREL_TEST_"))
    unknown = sorted(name for name in names if name not in known)
    if unknown:
        raise ConfigurationError(f"{unknown[0]}: unknown setting; expected one of {', '.join(known)}")
    values: dict[str, Any] = {}
    for spec in SETTING_SPECS:
        text = environment.get(spec.name)
        if text is None:
            continue
        try:
            values[spec.field] = spec.read(text)
        except (ValueError, OSError):
            is_secret = spec.is_secret or "PRIVATE KEY" in text  # set in place of a public one
            shown = "a value that is not shown" if is_secret else repr(text[:80])
            raise ConfigurationError(f"{spec.name}: expected {spec.expected}, got {shown}") from None
    given = [next(name for name in kind if name in environment) for kind in _KINDS_OF_KEYS if environment.keys() & kind]
    if len(given) > 1:
        raise ConfigurationError(f"{' and '.join(given)}: set one of them, never two (RFC 8725 §3.1)")
    return Settings(**values)
