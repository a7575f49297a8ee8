"""Changes to one string in one locale: saved, suggested, reviewed and restored by those who may, at the version they saw.

The caller holds a transaction; the title's row is locked first, so edits, imports and publishes of one title queue.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from service.control_characters import LINE_EXPECTED, is_line
from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal, Right
from service.core.localization.strings import Override, Overrides, String, WritableState, get_string, list_revisions
from service.core.publishing.drafts import lock_title
from service.core.validation.checks import check_string
from service.db import Connection
from service.db.queries import query
from service.errors import Conflict, InvalidField, NotFound

REASON_CHARACTERS = 500  # of the reason why a warning does not apply


def required_right(current: String, state: WritableState) -> Right:
    """The right that giving a string a text of this state needs. Pure.

    The default locale needs "source". With "suggest", a missing text may be filled and one that needs review replaced
    by another one that needs review; replacing a translated text needs "translate".
    """
    if current.locale == current.source_locale:
        return "source"
    if state == "approved":
        return "review"
    if state == "needs_review" and current.state in ("missing", "needs_review"):
        return "suggest"
    return "translate"


async def save_string(
    connection: Connection,
    principal: Principal,
    title_id: int,
    key: str,
    locale: str,
    *,
    text: str,
    expected_version: int,
    state: WritableState = "translated",
    reasons: Mapping[str, str] | None = None,
) -> String:
    """Save a text over the version that its writer saw, and return the string as it is then.

    A suggestion is a text of the state "needs_review". Saving the current text as "approved" is a review: the overrides
    that it has stay if `reasons` is empty. `reasons` overrides warnings: rule → why it does not apply here; rules that
    the text does not break are ignored.

    Raises:
        NotFound: there is no such title, or it has no text of that key.
        PermissionDenied: the principal lacks the required right.
        Conflict: the string has another version by now; it carries the current string.
        InvalidField: a check finds an error in the text, or a reason is no short line.
    """
    current = await _lock_string(connection, title_id, key, locale)
    may_localize(principal, required_right(current, state), title_id, locale)
    is_review = state == "approved" and text == current.text
    for rule, reason in (reasons or {}).items():
        if len(reason) > REASON_CHARACTERS or not is_line(reason):
            raise InvalidField(f"reasons.{rule}", f"at most {REASON_CHARACTERS} characters {LINE_EXPECTED}", reason)
    overrides = {rule: Override(principal.name, reason) for rule, reason in (reasons or {}).items()}
    return await _write(
        connection,
        principal,
        title_id,
        current,
        text=text,
        expected_version=expected_version,
        state=state,
        origin="review" if is_review else "edit",
        overrides=current.overridden() if is_review and not overrides else overrides,
    )


async def review_string(
    connection: Connection,
    principal: Principal,
    title_id: int,
    key: str,
    locale: str,
    *,
    approve: bool,
    expected_version: int,
) -> String:
    """Approve a text as a translation of the current source, or send it back as one that needs review.

    Raises:
        NotFound: there is no such title, no text of that key, or no text in that locale.
        PermissionDenied: the principal lacks the right "review".
        Conflict: the string has another version by now; it carries the current string.
        InvalidField: a check finds an error in the text, so it cannot be approved.
    """
    may_localize(principal, "review", title_id, locale)
    current = await _lock_string(connection, title_id, key, locale)
    if current.text is None:
        raise NotFound(f"there is no text of {key!r} in {locale} to be reviewed")
    return await _write(
        connection,
        principal,
        title_id,
        current,
        text=current.text,
        expected_version=expected_version,
        state="approved" if approve else "needs_review",
        origin="review",
        overrides=current.overridden(),
        source_version=None if approve or not current.is_stale else 0,
        is_checked=approve,
    )


async def restore_string(
    connection: Connection,
    principal: Principal,
    title_id: int,
    key: str,
    locale: str,
    *,
    version: int,
    expected_version: int,
) -> String:
    """Save the text of an older version again, as a translation of the source text of its time.

    Raises:
        NotFound: there is no such title or key, or no text of that version.
        PermissionDenied: the principal lacks the required right.
        Conflict: the string has another version by now; it carries the current string.
        InvalidField: a check finds an error in the text.
    """
    current = await _lock_string(connection, title_id, key, locale)
    may_localize(principal, required_right(current, "translated"), title_id, locale)
    old = next(iter(await list_revisions(connection, title_id, key, locale, before=version + 1, count=1)), None)
    if old is None or old.version != version or old.text is None:
        raise NotFound(f"there is no text of {key!r} in {locale} of version {version}")
    return await _write(
        connection,
        principal,
        title_id,
        current,
        text=old.text,
        expected_version=expected_version,
        origin="restore",
        source_version=old.source_version,
    )


async def _lock_string(connection: Connection, title_id: int, key: str, locale: str) -> String:
    """The string with its title locked: what a principal may do depends on its current state."""
    await lock_title(connection, title_id)
    return await get_string(connection, title_id, key, locale)


async def _write(
    connection: Connection,
    principal: Principal,
    title_id: int,
    current: String,
    *,
    text: str,
    expected_version: int,
    state: WritableState = "translated",
    origin: Literal["edit", "review", "restore"] = "edit",
    overrides: Overrides | None = None,
    source_version: int | None = None,
    is_checked: bool = True,
) -> String:
    """Write the text if the string is at the expected version; the statement itself compares."""
    key, locale = current.key, current.locale
    diagnostics = check_string(text, key=key, locale=locale, source=current.source, source_locale=current.source_locale)
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
    if errors and is_checked and current.version == expected_version:
        raise InvalidField("text", f"a text that breaks no rule: {errors[0].message} [{errors[0].rule}]")
    broken = {diagnostic.rule for diagnostic in diagnostics}
    overridden = {rule: override for rule, override in (overrides or {}).items() if rule in broken}
    saved = await _save_string.first(
        connection,
        title_id=title_id,
        locale=locale,
        key=key,
        expected=expected_version,
        text=text,
        state=state,
        source_version=source_version,
        remarks=sorted(broken - overridden.keys()),
        overrides=msgspec.json.encode(overridden).decode(),
        origin=origin,
        actor=principal.name,
    )
    if saved is None:
        raise Conflict(
            f"{key} in {locale} is at version {current.version}, not at {expected_version}: somebody else changed it",
            current,
        )
    return await get_string(connection, title_id, key, locale)


class _VersionRow(msgspec.Struct, frozen=True):
    version: int


_save_string = query("texts.save_string", row=_VersionRow)
