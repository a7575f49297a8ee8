"""Settings: accepted and rejected values, error messages, and secrets that never appear in them."""

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ConfigurationError
from service.settings import SETTING_SPECS, Settings, read_settings

SECRET = "thirty-two bytes or more of secret"
KEY = ed25519.Ed25519PrivateKey.generate()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()

VALID = {
    "LAUREL_DATA": ["/srv/laurel", "relative", "with spaces"],
    "LAUREL_DATABASE_URL": ["postgresql://u:p@h:5432/d", "postgres:///d?host=/run"],
    "LAUREL_POOLER_URL": ["postgresql://u:p@h:6432/d"],
    "LAUREL_POOL_SIZE": ["1", "100"],
    "LAUREL_ISSUER": ["https://issuer.example"],
    "LAUREL_AUDIENCE": ["laurel"],
    "LAUREL_JWT_SECRET": [SECRET, "é" * 16],
    "LAUREL_JWT_SECRET_PREVIOUS": [SECRET],
    "LAUREL_JWT_PUBLIC_KEY": [PUBLIC],
    "LAUREL_JWT_PUBLIC_KEY_PREVIOUS": [PUBLIC],
    "LAUREL_JWKS_URL": ["https://issuer.example/keys", "http://127.0.0.1:9/keys"],
    "LAUREL_READ_POLICY": ["self", "public"],
    "LAUREL_SESSION_IDLE": ["60", "1800", "86400"],
    "LAUREL_DEFAULT_CONTRACT": ["1", "2", "3", "4"],
    "LAUREL_LOCALE_MAX_DISTANCE": ["1", "50", "100"],
    "LAUREL_CATALOG_POLL": ["0.1", "2", "60"],
    "LAUREL_CHILD_PROCESSES": ["1", "16"],
    "LAUREL_EVENT_RETENTION_MONTHS": ["0", "13", "1200"],
    "LAUREL_RATE_TIER": ["off", "standard", "reduced"],
    "LAUREL_CORS_ORIGINS": ["*", "https://game.example.com", "https://a.example, http://localhost:3000"],
    "LAUREL_PLAYER_LIMITS": ["requests=5,concurrent=0,streams=1,upload=8"],
    "LAUREL_SERVER_LIMITS": ["requests=1000000,concurrent=2,streams=3,upload=0"],
    "LAUREL_FAILED_SIGN_INS": ["0", "60", "1000000"],
    "LAUREL_TRUSTED_PROXIES": ["127.0.0.1/32", "10.0.0.0/8, fd00::/8"],
    "LAUREL_PSEUDO_LOCALES": ["on", "off"],
    "LAUREL_PUBLIC_URL": ["https://badges.example.com", "http://127.0.0.1:8080", "http://[::1]:8080"],
    "LAUREL_OPEN_BADGES": ["on", "off"],
    "LAUREL_OUTBOUND_NETWORKS": ["127.0.0.0/8", "10.1.0.0/16, ::1/128", "192.168.1.1/32"],
    "LAUREL_DRAIN": ["0", "1.5", "300"],
    "LAUREL_LOG_LEVEL": ["debug", "info", "warning", "error"],
    "LAUREL_SECURITY_LOG": ["/var/log/laurel/security.jsonl"],
}
INVALID = {
    "LAUREL_DATA": ["", "  "],
    "LAUREL_DATABASE_URL": ["", "mysql://u:p@h/d", "localhost", "/run/postgresql"],
    "LAUREL_POOLER_URL": ["", "http://h:6432"],
    "LAUREL_POOL_SIZE": ["", "0", "101", "-1", "+1", "1.0", "eight", "٨", "1_0", "9" * 5000],
    "LAUREL_ISSUER": ["", "  "],
    "LAUREL_AUDIENCE": ["", "\t"],
    "LAUREL_JWT_SECRET": ["", "short", "x" * 31, "é" * 15],
    "LAUREL_JWT_SECRET_PREVIOUS": ["", "short"],
    "LAUREL_JWT_PUBLIC_KEY_PREVIOUS": ["", PRIVATE],
    "LAUREL_JWT_PUBLIC_KEY": ["", "/no/such/file.pem", "x" * 5000, PRIVATE, "-----BEGIN CERTIFICATE-----"],
    "LAUREL_JWKS_URL": ["", "ftp://issuer.example/keys", "issuer.example/keys"],
    "LAUREL_READ_POLICY": ["", "Self", "privacy", "everyone"],
    "LAUREL_SESSION_IDLE": ["", "0", "59", "86401", "half an hour"],
    "LAUREL_DEFAULT_CONTRACT": ["", "0", "5", "two"],
    "LAUREL_LOCALE_MAX_DISTANCE": ["", "0", "101", "-5"],
    "LAUREL_CATALOG_POLL": ["", "0", "0.09", "61", "nan", "inf", "-inf", "often", "٥", "1_0", " 1", "1e1"],
    "LAUREL_CHILD_PROCESSES": ["", "0", "17"],
    "LAUREL_EVENT_RETENTION_MONTHS": ["", "-1", "1201", "all"],
    "LAUREL_RATE_TIER": ["", "Standard", "10"],
    "LAUREL_CORS_ORIGINS": ["", "game.example.com", "https://a.example/path", "https://a.example,,"],
    "LAUREL_PLAYER_LIMITS": ["", "5", "requests", "requests=", "requests=-1", "requests=5,requests=5", "speed=5"],
    "LAUREL_SERVER_LIMITS": ["off", "requests=1000001", "upload=7", "requests=5;streams=5", "requests=5,"],
    "LAUREL_FAILED_SIGN_INS": ["", "-1", "1000001", "off"],
    "LAUREL_TRUSTED_PROXIES": ["", "*", "proxy.example.com", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1,"],
    "LAUREL_PSEUDO_LOCALES": ["", "true", "en-XA"],
    "LAUREL_PUBLIC_URL": [
        "",
        "badges.example.com",
        "ftp://a",
        "https://a/path",
        "https://a?b",
        "https://u@a",
        "https://a b",
    ],
    "LAUREL_OPEN_BADGES": ["", "yes"],
    "LAUREL_OUTBOUND_NETWORKS": ["", "loopback", "127.0.0.1/8", "10.0.0.0/8,,"],
    "LAUREL_DRAIN": ["", "-1", "301", "1s"],
    "LAUREL_LOG_LEVEL": ["", "INFO", "trace"],
    "LAUREL_SECURITY_LOG": ["", " "],
}


def cases(table):
    return [pytest.param(name, text, id=f"{name}={text[:20]!a}") for name, texts in table.items() for text in texts]


def test_every_setting_is_tested_and_has_its_own_field():
    names = [spec.name for spec in SETTING_SPECS]

    assert set(names) == VALID.keys() == INVALID.keys()
    assert sorted(spec.field for spec in SETTING_SPECS) == sorted(Settings.__struct_fields__)
    assert len(set(names)) == len(names)


def test_empty_environment_gives_the_defaults():
    assert read_settings({}) == Settings()
    assert read_settings({"PATH": "/bin", "laurel_data": "x"}) == Settings()


@pytest.mark.parametrize(("name", "text"), cases(VALID))
def test_valid_value_sets_only_its_field(name, text):
    (spec,) = (spec for spec in SETTING_SPECS if spec.name == name)

    value = getattr(read_settings({name: text}), spec.field)

    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    assert str(value) == text or float(value) == float(text)
    others = {field: value for field, value in msgspec.structs.asdict(Settings()).items() if field != spec.field}
    assert others.items() <= msgspec.structs.asdict(read_settings({name: text})).items()


@pytest.mark.parametrize(("name", "text"), cases(INVALID))
def test_invalid_value_raises_with_the_name_and_accepted_values(name, text):
    (spec,) = (spec for spec in SETTING_SPECS if spec.name == name)

    with pytest.raises(ConfigurationError) as raised:
        read_settings({name: text})

    message = str(raised.value)
    assert message.startswith(f"{name}: expected {spec.expected}, got ")
    assert len(message) < 300
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("LAUREL_JWT_SECRET", "not so long a secret"),
        ("LAUREL_DATABASE_URL", "mysql://user:password@host/db"),
        ("LAUREL_JWT_PUBLIC_KEY", PRIVATE),
        ("LAUREL_JWT_PUBLIC_KEY", PRIVATE.replace("\n", "\\n")),
    ],
)
def test_secret_is_not_shown(name, secret):
    with pytest.raises(ConfigurationError) as raised:
        read_settings({name: secret})

    message = str(raised.value)
    assert message.endswith("got a value that is not shown")
    assert raised.value.__suppress_context__


@given(st.text(min_size=1, max_size=31))
def test_no_part_of_a_short_secret_is_shown(secret):
    if len(secret.encode("utf-8", "replace")) >= 32:
        return
    with pytest.raises(ConfigurationError) as raised:
        read_settings({"LAUREL_JWT_SECRET": secret})

    assert str(raised.value) == (
        "LAUREL_JWT_SECRET: expected an HMAC secret of 32 bytes or more, got a value that is not shown"
    )


def test_unknown_setting_raises_with_all_known_names():
    with pytest.raises(
        ConfigurationError, match=r"^LAUREL_DATABASEURL: unknown setting; expected one of LAUREL_DATA, .*URL"
    ):
        read_settings({"LAUREL_DATABASEURL": "postgresql://x"})


@pytest.mark.parametrize(
    "keys",
    [
        {"LAUREL_JWT_SECRET": SECRET, "LAUREL_JWT_PUBLIC_KEY": PUBLIC},
        {"LAUREL_JWT_SECRET": SECRET, "LAUREL_JWKS_URL": "https://issuer.example/keys"},
        {"LAUREL_JWT_PUBLIC_KEY": PUBLIC, "LAUREL_JWKS_URL": "https://issuer.example/keys"},
        {"LAUREL_JWT_PUBLIC_KEY": PUBLIC, "LAUREL_JWT_SECRET_PREVIOUS": SECRET},
        {"LAUREL_JWT_PUBLIC_KEY_PREVIOUS": PUBLIC, "LAUREL_JWKS_URL": "https://issuer.example/keys"},
    ],
)
def test_two_kinds_of_key_raise(keys):
    """RFC 8725 §3.1: a key is for one algorithm, so that a token cannot choose it."""
    with pytest.raises(ConfigurationError, match="set one of them, never two") as raised:
        read_settings(keys)

    assert all(name in str(raised.value) for name in keys)
    assert SECRET not in str(raised.value)


def test_public_key_can_be_a_path(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(PUBLIC)

    assert read_settings({"LAUREL_JWT_PUBLIC_KEY": str(file)}).jwt_public_key == PUBLIC


@pytest.mark.parametrize("content", [PRIVATE.encode(), b"", b"\xff\xfe", b"hello"])
def test_path_of_another_file_raises_without_its_content(tmp_path, content):
    file = tmp_path / "key.pem"
    file.write_bytes(content)

    with pytest.raises(ConfigurationError) as raised:
        read_settings({"LAUREL_JWT_PUBLIC_KEY": str(file)})

    assert str(raised.value).startswith("LAUREL_JWT_PUBLIC_KEY: expected a public key")
    assert "MC4C" not in str(raised.value)
