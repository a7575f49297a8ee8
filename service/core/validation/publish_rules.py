"""The rules that a title must keep to be published, and platforms' certification rules as warnings. Pure.

Errors prevent a publish: a required text missing in the default locale, a value out of range, an inconsistency.
Warnings are Microsoft's certification rules (XR-055), some of which Microsoft's own sample breaks. The checks of the
texts themselves are in `checks`. Readers of files use the same functions, so that each rule has one place.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from service import ticks
from service.concurrency.steps import Steps, run_at_once
from service.core.catalog import model
from service.core.catalog.model import Achievement, Draft, MediaAsset, Title
from service.core.catalog.text_keys import STRING_PREFIX, keys_of
from service.core.validation import values
from service.core.validation.diagnostics import InvalidValue, SourceLocation
from service.core.validation.metric_checks import (
    check_declarations,
    check_metrics,
    check_prerequisites,
    check_references,
)
from service.errors import Diagnostic, InvalidCatalog

ACHIEVEMENTS_AT_LAUNCH = range(10, 101)  # XR-055
GAMERSCORE_AT_LAUNCH = 1000  # XR-055
MAX_GAMERSCORE = 200  # of one achievement: XR-055
_TEXTS_OF_STEP = 64


def check(draft: Draft, *, file: str | None = None) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """The errors that prevent a draft from being published, and the warnings. `file` is the file they name."""
    return run_at_once(check_steps(draft, file=file))


def check_steps(draft: Draft, *, file: str | None = None) -> Steps[tuple[list[Diagnostic], list[Diagnostic]]]:
    """The same as `check`, in small steps."""
    location = _location(draft, file)
    try:
        _check_title(draft.title, location)
        report_duplicates(draft.achievements, location)
        yield
        for key, violation in check_metrics(draft.title, draft.achievements):
            location.at(key).report_all([violation])
        yield
        for achievement in draft.achievements:
            _check_achievement(achievement, location)
            yield
        yield from _check_texts(draft, location)
        _certify(draft, location)
    except InvalidCatalog:
        pass  # too many errors: the first ones are returned
    return location.errors, location.warnings


def check_amended_steps(before: Draft, after: Draft) -> Steps[list[Diagnostic]]:
    """The errors in what a change to a title that keeps all rules has added or replaced; it is much less than `check`.

    The values that are the same objects in both drafts are not checked again.
    """
    location = _location(after)
    old = {achievement.number: achievement for achievement in before.achievements}
    changed = [achievement for achievement in after.achievements if old.get(achievement.number) is not achievement]
    referring: Iterable[Achievement] = changed
    try:
        if before.title is not after.title:
            referring = after.achievements
            _check_title(after.title, location)
            for key, violation in check_declarations(after.title):
                location.at(key).report_all([violation])
        report_duplicates(after.achievements, location)
        for key, violation in check_references(after.title, after.achievements, referring):
            location.at(key).report_all([violation])
        yield
        for achievement in changed:
            _check_achievement(achievement, location)
            violation_or_none = yield from check_prerequisites(achievement, after.achievements)
            location.at("achievements").report_all([] if violation_or_none is None else [violation_or_none])
        _check_required_texts(after, changed, location)
        known = set(keys_of(after.title, changed))
        for locale, texts in after.texts.items():
            of_locale = before.texts.get(locale, {})
            if texts is not of_locale:
                new = {key: text for key, text in texts.items() if of_locale.get(key) != text}
                yield from _check_locale_texts(locale, new, known, location)
    except InvalidCatalog:
        pass
    return location.errors


def _location(draft: Draft, file: str | None = None) -> SourceLocation:
    return SourceLocation(file or f"title-{draft.title.title_id}")


def duplicates(achievements: Sequence[Achievement]) -> Iterator[tuple[int, InvalidValue]]:
    """Numbers and public ids that occur twice, with the index of the later achievement."""
    numbers: set[int] = set()
    public_ids: set[str] = set()
    for index, achievement in enumerate(achievements):
        if achievement.number in numbers:
            yield index, InvalidValue("duplicate-number", f"there is already an achievement {achievement.number}")
        if achievement.public_id in public_ids:
            public_id = values.shown(achievement.public_id)
            message = f"another achievement already has the public id {public_id}"
            yield index, InvalidValue("duplicate-public-id", message)
        numbers.add(achievement.number)
        public_ids.add(achievement.public_id)


def report_duplicates(achievements: Sequence[Achievement], location: SourceLocation) -> None:
    """Report the `duplicates` among the achievements of a title, each at the later achievement."""
    for index, violation in duplicates(achievements):
        location.at(f"achievement/{achievements[index].number}").report_all([violation])


def inconsistencies(achievement: Achievement) -> Iterator[InvalidValue]:
    """The values of an achievement that are invalid together, although each is valid on its own."""
    if not achievement.media:
        yield InvalidValue("no-picture", "expected at least one picture: clients read the first one without checking")
    if not achievement.platforms:
        yield InvalidValue("no-platform", "expected at least one platform")
    if achievement.window is not None and achievement.window.opens_at >= achievement.window.closes_at:
        yield InvalidValue("window", "expected a window that opens before it closes")
    for kind in _repeated(reward.kind for reward in achievement.rewards):
        yield InvalidValue("two-rewards", f"expected one reward of each kind, got more than one {kind}")
    for requirement in _repeated(requirement.id for requirement in achievement.requirements):
        yield InvalidValue(
            "duplicate-requirement", f"expected different requirements, got {requirement} more than once"
        )


def _check_title(title: Title, location: SourceLocation) -> None:
    location = location.at("title")
    location.inside("title_id").read(values.identifier, title.title_id)
    location.inside("scid").read(values.guid, title.scid)
    _check_locale(title.default_locale, location.inside("default_locale"))
    location.inside("kind").read(values.label, title.kind)
    location.inside("platform").read(values.label, title.platform)
    if title.version is not None:
        location.inside("version").read(values.label, title.version)
    location.inside("text_unit").read(values.text_unit, title.text_unit)
    _check_lines((title.metrics, title.attributes), location)


def _check_lines(definitions: object, location: SourceLocation) -> None:
    """Report the control characters in the strings of definitions, whichever they are."""
    for string in values.strings(msgspec.to_builtins(definitions)):
        location.read(values.line, string)


def _check_locale(locale: str, location: SourceLocation) -> None:
    canonical = location.read(values.locale, locale)
    if canonical not in {None, locale}:
        location.report("locale", f"expected the canonical spelling {canonical}, got {values.shown(locale)}")


def _check_achievement(achievement: Achievement, location: SourceLocation) -> None:
    achievement_location = location.at(f"achievement/{achievement.number}")
    _check_values(achievement, achievement_location)
    _check_lines((achievement.key, achievement.user_filter, achievement.requirements), achievement_location)
    achievement_location.report_all(inconsistencies(achievement))
    achievement_location.inside("stores").report_all(_invalid_store_ids(achievement))


def _check_values(achievement: Achievement, location: SourceLocation) -> None:
    location.inside("number").read(values.identifier, achievement.number)
    location.inside("public_id").read(values.label, achievement.public_id)
    location.inside("product_id").read(values.guid, achievement.product_id)
    location.inside("display_order").read(values.u32, achievement.display_order)
    location.inside("image_id").read(values.u32, achievement.image_id)
    if not 0 <= achievement.estimated_seconds < values.DAY:
        location.inside("estimated_seconds").report("duration", "expected 0 to 86399 seconds")
    location.inside("legacy_type").read(values.legacy_type, achievement.legacy_type)
    if achievement.deeplink is not None:
        location.inside("deeplink").read(values.link, achievement.deeplink)
    if achievement.window is not None:
        ends = (achievement.window.opens_at, achievement.window.closes_at)
        if not all(0 <= end <= ticks.MAX for end in ends) or achievement.window.fraction_digits not in range(8):
            location.inside("window").report(
                "time", "expected times of the years 1 to 9999 with 0 to 7 digits of fraction"
            )
    for platform in achievement.platforms:
        location.inside("platforms").read(values.label, platform)
    for media in achievement.media:
        _check_media(media, location.inside("media"))
    for requirement in achievement.requirements:
        location.inside("requirements").read(values.guid, requirement.id)
        location.inside("requirements").read(values.decimal, requirement.target)
    for reward in achievement.rewards:
        rewards_location = location.inside("rewards")
        rewards_location.read(values.gamerscore if reward.kind == "Gamerscore" else values.link, reward.value)
        rewards_location.read(values.label, reward.value_type)
        if reward.media is not None:
            _check_media(reward.media, rewards_location)


def _invalid_store_ids(achievement: Achievement) -> Iterator[InvalidValue]:
    """The invalid store identifiers of a definition."""
    readers = {"xbox": values.guid, "steam": values.steam_slot, "epic": values.label}
    for store, name in achievement.stores:
        if store not in readers:
            yield InvalidValue("unknown-store", f"expected {', '.join(readers)}, got {values.shown(store)}")
            continue
        try:
            readers[store](name)
        except InvalidValue as violation:
            yield violation


def _check_media(media: MediaAsset, location: SourceLocation) -> None:
    location.read(values.label, media.name)
    location.read(values.label, media.kind)
    location.read(values.url, media.url)


def _check_texts(draft: Draft, location: SourceLocation) -> Steps[None]:
    _check_required_texts(draft, draft.achievements, location)
    known = set(keys_of(draft.title, draft.achievements))
    yield
    for locale, texts in draft.texts.items():
        yield from _check_locale_texts(locale, texts, known, location)


def _check_required_texts(draft: Draft, achievements: Iterable[Achievement], location: SourceLocation) -> None:
    """Report the texts that the default locale lacks: of the title, its metrics, and these of its achievements."""
    default = draft.texts.get(draft.title.default_locale, {})
    required = [
        model.TITLE_NAME,
        *(key for achievement in achievements for key in achievement.required_text_keys()),
        *(model.metric_key(metric.key) for metric in draft.title.metrics),
    ]
    for key in required:
        if not default.get(key):
            location.at(key).report(
                "missing-text", f"there is no text in the default locale, {draft.title.default_locale}"
            )


def _check_locale_texts(
    locale: str, texts: Mapping[str, str], known: AbstractSet[str], location: SourceLocation
) -> Steps[None]:
    """Report the invalid ones of some texts in a locale, and those of unknown keys."""
    _check_locale(locale, location)
    for index, (key, text) in enumerate(texts.items()):
        location.at(key).read(values.text, text)
        if key not in known and not key.startswith(STRING_PREFIX):
            location.at(key).report("unknown-key", f"the title has no text of that key, got one in {locale}")
        if index % _TEXTS_OF_STEP == 0:
            yield


def _certify(draft: Draft, location: SourceLocation) -> None:
    base = [_gamerscore(achievement) for achievement in draft.achievements if achievement.is_base]
    if len(base) not in ACHIEVEMENTS_AT_LAUNCH:
        span = f"{ACHIEVEMENTS_AT_LAUNCH[0]} to {ACHIEVEMENTS_AT_LAUNCH[-1]}"
        location.warn("xr-055-achievements", f"XR-055: expected {span} achievements at launch, got {len(base)}")
    if sum(base) != GAMERSCORE_AT_LAUNCH:
        expected = f"exactly {GAMERSCORE_AT_LAUNCH} Gamerscore at launch"
        location.warn("xr-055-gamerscore", f"XR-055: expected {expected}, got {sum(base)}")
    for achievement in draft.achievements:
        gamerscore = _gamerscore(achievement)
        achievement_location = location.at(f"achievement/{achievement.number}")
        if gamerscore > MAX_GAMERSCORE:
            expected = f"at most {MAX_GAMERSCORE} Gamerscore for one achievement"
            achievement_location.warn("xr-055-one", f"XR-055: expected {expected}, got {gamerscore}")
        if achievement.kind == "Challenge" and gamerscore:
            achievement_location.warn(
                "challenge-with-gamerscore", "a Challenge cannot have Gamerscore on the live service"
            )


def _gamerscore(achievement: Achievement) -> int:
    """Gamerscore, 0 if its value is not a number, which is reported elsewhere."""
    try:
        return achievement.gamerscore
    except ValueError:
        return 0


def _repeated(items: Iterable[str]) -> list[str]:
    return [item for item, count in collections.Counter(items).items() if count > 1]
