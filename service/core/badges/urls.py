"""The URLs of Open Badges documents, which credentials name and the API serves. `base_url` has no slash at its end."""

import urllib.parse


def title_url(base_url: str, title_id: int) -> str:
    """The prefix of all URLs of a title."""
    return f"{base_url}/open-badges/titles/{title_id}"


def issuer_url(base_url: str, title_id: int) -> str:
    """The title's profile; `iss` of everything that is signed for the title."""
    return f"{title_url(base_url, title_id)}/issuer"


def achievement_url(base_url: str, title_id: int, public_id: str) -> str:
    """An achievement's document."""
    return f"{title_url(base_url, title_id)}/achievements/{urllib.parse.quote(public_id, safe='')}"


def status_list_url(base_url: str, title_id: int, number: int) -> str:
    """One of a title's status lists."""
    return f"{title_url(base_url, title_id)}/status/{number}"


def key_url(base_url: str, thumbprint: str) -> str:
    """A public key; its `kid`."""
    return f"{base_url}/open-badges/keys/{thumbprint}"
