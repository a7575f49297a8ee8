"""URLs that the service may request; what a fetch rejects is tested with the key set and with badges."""

import pytest

from service.outbound.fetch import is_safe_url


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.com/hook", True),
        ("http://127.0.0.1:8000/", True),
        ("http://localhost/", True),
        ("http://[::1]/", True),
        ("http://127.0.0.1.example/", False),
        ("https:///hook", False),
        ("http://[", False),
        ("http://example.com/", False),
        ("ftp://example.com/", False),
        ("file:///etc/passwd", False),
        ("http://169.254.169.254/", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_only_https_and_http_on_loopback_are_safe(url, safe):
    assert is_safe_url(url) == safe
