"""Files that hold a secret."""

import contextlib
import resource

import pytest

from service.cli.console import CommandError
from service.cli.signing_secret import with_signing_secret
from service.private_file import write_private_file
from service.settings import Settings


@contextlib.contextmanager
def full_disk():
    """Let every write to a file fail."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_signing_secret_that_cannot_be_written_leaves_no_file(tmp_path):
    with (
        full_disk(),
        pytest.raises(CommandError, match=r"LAUREL_DATA: .*signing-secret cannot be used: File too large"),
    ):
        with_signing_secret(Settings(data=tmp_path), create=True)

    assert list(tmp_path.iterdir()) == []


def test_signing_secret_is_created_once_for_its_owner_alone(tmp_path):
    settings = Settings(data=tmp_path / "data")
    first = with_signing_secret(settings, create=True)

    assert with_signing_secret(settings, create=True) == first
    (file,) = settings.data.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert len(file.read_text(encoding="ascii")) == 64


def test_file_of_another_process_is_kept(tmp_path):
    file = tmp_path / "trophy-key"
    write_private_file(file, "first")
    write_private_file(file, "second")

    assert [path.read_text(encoding="ascii") for path in tmp_path.iterdir()] == ["first"]


def test_file_is_replaced_on_request_and_stays_private(tmp_path):
    file = tmp_path / "key-set"
    write_private_file(file, "first")
    write_private_file(file, "second", replace=True)

    assert [path.read_text(encoding="ascii") for path in tmp_path.iterdir()] == ["second"]
    assert file.stat().st_mode & 0o077 == 0
