"""What a principal may do: every `may_…` decision and the rules behind it. Pure."""

from collections.abc import Iterable

from service.core.auth.principal import CONTEXTS, EDIT, READ_ANY, WRITE, WRITE_OWN, Grant, KeyScope, Principal, Right
from service.core.catalog.model import Title
from service.errors import PermissionDenied, UserRequired, WrongPlayer
from service.settings import ReadPolicy


def may_use_key(principal: Principal, scope: KeyScope) -> None:
    """Allow what an API key was made for; credentials that are no keys have no such limit.

    Raises:
        PermissionDenied: the key lacks the scope.
    """
    if scope not in principal.key_scopes:
        raise PermissionDenied(f"this key lacks the scope {scope}")


def may_read_progress(principal: Principal, player: str, *, policy: ReadPolicy) -> None:
    """Allow players to read their own progress, callers with `progress:read-any` anyone's, under "public" everyone's.

    Raises:
        PermissionDenied: an API key lacks the scope to read.
        UserRequired: the credential speaks for no player (Xbox `…/achievements`: "User required").
        WrongPlayer: it speaks for someone else.
            (Xbox `…/achievements`: the XUID "must match the XUID of the authenticated user".)
    """
    may_use_key(principal, "read")
    if READ_ANY in principal.scopes:
        return
    if not principal.players:
        raise UserRequired("the credential speaks for no player")
    if policy != "public" and player not in principal.players:
        raise WrongPlayer("the credential speaks for another player")


def may_write_progress(principal: Principal, player: str, *, title: Title) -> None:
    """Allow a title's servers to write anyone's progress in it, and players their own if the title trusts its clients.

    A credential that names a title writes only there. `progress:write` is for servers; `progress:write-own` lets a
    player's credential write as if the title trusted its clients.

    Raises:
        PermissionDenied: the credential names another title, the title trusts only its servers, or an API key lacks the
            scope to write events.
        UserRequired: it is not a server's and speaks for no player.
        WrongPlayer: it is not a server's and speaks for someone else.
    """
    may_use_key(principal, "events")
    if principal.title_id is not None and principal.title_id != title.title_id:
        raise PermissionDenied(
            f"this credential is of title {principal.title_id}, and writes nothing in title {title.title_id}"
        )
    if WRITE in principal.scopes:
        return
    if not principal.players:
        raise UserRequired("the credential speaks for no player")
    if player not in principal.players:
        raise WrongPlayer("the credential speaks for another player")
    if WRITE_OWN in principal.scopes:
        return
    if title.trust != "client" or principal.title_id is None:
        raise PermissionDenied(
            f"title {title.title_id} takes progress from its servers: it needs the scope {WRITE}"
            if title.trust != "client"
            else f"the credential names no title: it needs the claim xti of title {title.title_id}, or the scope {WRITE}"
        )


def may_write_many(principal: Principal, title_id: int) -> None:
    """Allow a title's own servers, with `progress:write`, to write the progress of many players at once.

    Raises:
        PermissionDenied: the credential is another title's, lacks the scope, or is a key without the scope for events.
    """
    may_use_key(principal, "events")
    _check_scope(principal, WRITE, title_id)


def may_edit(principal: Principal, title_id: int) -> None:
    """Allow a title's own credentials with `catalog:write` to change its definitions.

    Raises:
        PermissionDenied: the credential is another title's, lacks the scope, or is a key without that for authoring.
    """
    may_use_key(principal, "authoring")
    _check_scope(principal, EDIT, title_id)


def may_put_user_context(principal: Principal, title_id: int) -> None:
    """Allow a title's own applications, with the scope `contexts`, to create and replace its user contexts.

    Raises:
        PermissionDenied: the credential is another title's, or lacks the scope.
    """
    _check_scope(principal, CONTEXTS, title_id)


def may_localize(principal: Principal, right: Right, title_id: int, locale: str | None = None) -> None:
    """Allow callers with the right to act on texts of a title in a locale; None for an act on all of its locales.

    Raises:
        PermissionDenied: no grant gives the right there; the message says which is missing.
    """
    if not any(right in grant.rights and _covers(grant, title_id, locale) for grant in principal.grants):
        where = "all locales" if locale is None else locale
        raise PermissionDenied(f"this needs the right {right} for title {title_id} in {where}, by the claim l10n")


def may_read_texts(principal: Principal, title_id: int) -> None:
    """Allow callers with any right on a title to read its texts in all locales, and their history.

    Raises:
        PermissionDenied: they have none.
    """
    if title_id not in titles_with_rights(principal, [title_id]):
        raise PermissionDenied(f"this needs a right on title {title_id}, by the claim l10n")


def may_import(principal: Principal, title_id: int, locale: str | None = None) -> None:
    """Allow callers who may replace texts of a title in some locale, or in this one, to have a file read.

    What the file would change needs the rights of each of its locales, by `may_localize`.

    Raises:
        PermissionDenied: no file could be imported with their rights.
    """
    for grant in principal.grants:
        is_of_title = grant.titles is None or title_id in grant.titles
        if (
            is_of_title
            and grant.rights & {"translate", "source"}
            and (locale is None or _covers(grant, title_id, locale))
        ):
            return
    where = "any locale" if locale is None else locale
    raise PermissionDenied(
        f"this needs the right translate or source for title {title_id} in {where}, by the claim l10n"
    )


def titles_with_rights(principal: Principal, title_ids: Iterable[int]) -> list[int]:
    """The titles that the caller has any right on."""
    return [
        title_id for title_id in title_ids if any(g.titles is None or title_id in g.titles for g in principal.grants)
    ]


def _check_scope(principal: Principal, scope: str, title_id: int) -> None:
    if scope not in principal.scopes:
        raise PermissionDenied(f"this needs the scope {scope}")
    if principal.title_id is not None and principal.title_id != title_id:
        raise PermissionDenied(f"this credential is of title {principal.title_id}, not of title {title_id}")


def _covers(grant: Grant, title_id: int, locale: str | None) -> bool:
    if grant.titles is not None and title_id not in grant.titles:
        return False
    if grant.locales is None:
        return True
    tag = f"{locale or ''}-".lower()
    return locale is not None and any(tag.startswith(f"{name.lower()}-") for name in grant.locales)
