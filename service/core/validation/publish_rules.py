"""What a catalogue must be to be published, and what platforms wish it to be. Pure.

Errors stop a publish: a required text missing in the default locale, values out of range, contradictions. Warnings
are Microsoft's certification rules (XR-055): worth a look, never a refusal, since Microsoft's own sample breaks some
of them. What is to say of the words themselves is in `checks.py`. Readers use the same functions, so a rule stands once.
"""

import collections
import re
from collections.abc import Iterable, Iterator, Sequence

from service import ticks
from service.core.catalog import model
from service.core.catalog.model import Achievement, Draft, MediaAsset, Title
from service.core.validation import store_ids, values
from service.core.validation.diagnostics import InvalidValue, SourceLocation
from service.core.validation.metric_checks import contradictions_of
from service.errors import Diagnostic, InvalidCatalog

LENGTHS = {  # characters; documented by Partner Center, the achievement's name by third parties only
    "title/name": 22,
    "name": 44,
    "description": 100,
    "locked_description": 100,
    "reward/name": 57,
    "reward/description": 90,
}
ACHIEVEMENTS_AT_LAUNCH = range(10, 101)  # XR-055
GAMERSCORE_AT_LAUNCH = 1000  # XR-055
GAMERSCORE_OF_ONE = 200  # XR-055
STRING_PREFIX = "string/"  # texts of the game that belong to no achievement

ACHIEVEMENT_KEY = re.compile(
    "achievement/(?P<number>[0-9]+)/"
    "(?:reward/(?P<reward>gamerscore|inapp|art)/)?(?P<field>name|description|locked_description)"
)


def check(draft: Draft, *, file: str | None = None) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Everything that forbids publishing a draft, and everything that is merely unwise. `file` names it in both."""
    name = file or f"title-{draft.title.title_id}"
    location = SourceLocation(name)
    try:
        _check_title(draft.title, location)
        for index, broken in contradictions(draft.achievements):
            location.at(f"achievement/{draft.achievements[index].number}").report(broken.rule, str(broken))
        for where, broken in contradictions_of(draft.title, draft.achievements):
            location.at(where).report(broken.rule, str(broken))
        for achievement in draft.achievements:
            there = location.at(f"achievement/{achievement.number}")
            _check_values(achievement, there)
            there.report_all(contradictions_within(achievement))
            there.inside("stores").report_all(store_ids.check(achievement))
        _check_texts(draft, location)
        _certify(draft, location)
    except InvalidCatalog:
        pass  # there are too many problems to go on: what was found is told
    return location.errors, location.warnings


def text_keys(title: Title, achievements: Iterable[Achievement]) -> Iterator[str]:
    """The keys of all texts that a title with these achievements can have, in their order, the title's name first."""
    yield model.TITLE_NAME
    for metric in title.metrics:
        yield model.metric_key(metric.key)
    for achievement in achievements:
        yield from achievement.text_keys()
        for reward in achievement.rewards:
            yield model.reward_key(achievement.number, reward.kind, "name")
            yield model.reward_key(achievement.number, reward.kind, "description")


def written_keys(draft: Draft) -> list[str]:
    """The keys of all texts that the default locale has, in their order, those of no achievement last."""
    sources = draft.texts.get(draft.title.default_locale, {})
    strings = (key for key in sorted(sources) if key.startswith(STRING_PREFIX))
    return [key for key in (*text_keys(draft.title, draft.achievements), *strings) if key in sources]


def length_limit(key: str) -> int | None:
    """How many characters the platform shows of a text, None where no limit is known."""
    return LENGTHS.get(field_of(key))


def field_of(key: str) -> str:
    """What a text is, of whichever achievement: `name`, `reward/name`; the key itself for any other text."""
    match = ACHIEVEMENT_KEY.fullmatch(key)
    if match is None:
        return key
    return match["field"] if match["reward"] is None else f"reward/{match['field']}"


def contradictions(achievements: Sequence[Achievement]) -> Iterator[tuple[int, InvalidValue]]:
    """Numbers and public ids that stand twice, with the index of the later achievement."""
    numbers: set[int] = set()
    public_ids: set[str] = set()
    for index, achievement in enumerate(achievements):
        if achievement.number in numbers:
            yield index, InvalidValue("duplicate-number", f"there is already an achievement {achievement.number}")
        if achievement.public_id in public_ids:
            public_id = values.shown(achievement.public_id)
            yield (
                index,
                InvalidValue("duplicate-public-id", f"another achievement already has the public id {public_id}"),
            )
        numbers.add(achievement.number)
        public_ids.add(achievement.public_id)


def contradictions_within(achievement: Achievement) -> Iterator[InvalidValue]:
    """What is location with one achievement although each value alone is right."""
    if not achievement.media:
        yield InvalidValue("no-picture", "at least one picture is needed: clients read the first one blindly")
    if not achievement.platforms:
        yield InvalidValue("no-platform", "at least one platform is needed")
    if achievement.window is not None and achievement.window.opens_at >= achievement.window.closes_at:
        yield InvalidValue("window", "the window must open before it closes")
    for kind in _twice(reward.kind for reward in achievement.rewards):
        yield InvalidValue("two-rewards", f"there can be one reward of each kind, and {kind} stands more than once")
    for requirement in _twice(requirement.id for requirement in achievement.requirements):
        yield InvalidValue("duplicate-requirement", f"the requirement {requirement} stands more than once")


def _check_title(title: Title, location: SourceLocation) -> None:
    there = location.at("title")
    there.inside("title_id").read(values.identifier, title.title_id)
    there.inside("scid").read(values.guid, title.scid)
    if there.inside("default_locale").read(values.locale, title.default_locale) not in {None, title.default_locale}:
        there.inside("default_locale").report("locale", f"{title.default_locale} is not in its canonical spelling")
    there.inside("kind").read(values.label, title.kind)
    there.inside("platform").read(values.label, title.platform)
    if title.version is not None:
        there.inside("version").read(values.label, title.version)
    there.inside("text_unit").read(values.text_unit, title.text_unit)


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
        if not all(0 <= end <= ticks.LAST for end in ends) or achievement.window.fraction_digits not in range(8):
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
        there = location.inside("rewards")
        there.read(values.gamerscore if reward.kind == "Gamerscore" else values.link, reward.value)
        there.read(values.label, reward.value_type)
        if reward.media is not None:
            _check_media(reward.media, there)


def _check_media(media: MediaAsset, location: SourceLocation) -> None:
    location.read(values.label, media.name)
    location.read(values.label, media.kind)
    location.read(values.url, media.url)


def _check_texts(draft: Draft, location: SourceLocation) -> None:
    known = set(text_keys(draft.title, draft.achievements))
    default = draft.texts.get(draft.title.default_locale, {})
    required = [model.TITLE_NAME, *(key for one in draft.achievements for key in one.required_text_keys())]
    required += [model.metric_key(metric.key) for metric in draft.title.metrics]
    for key in required:
        if not default.get(key):
            location.at(key).report(
                "missing-text", f"there is no text in the default locale, {draft.title.default_locale}"
            )
    for locale, texts in draft.texts.items():
        if location.at(None).read(values.locale, locale) not in {None, locale}:
            location.report("locale", f"{values.shown(locale)} is not in its canonical spelling")
        for key, text in texts.items():
            location.at(key).read(values.text, text)
            if key not in known and not key.startswith(STRING_PREFIX):
                location.at(key).report("unknown-key", f"the {locale} text belongs to nothing in this title")


def _certify(draft: Draft, location: SourceLocation) -> None:
    base = [_points(achievement) for achievement in draft.achievements if achievement.is_base]
    if len(base) not in ACHIEVEMENTS_AT_LAUNCH:
        location.warn("xr-055-achievements", f"XR-055 asks for 10 to 100 achievements at launch, here are {len(base)}")
    if sum(base) != GAMERSCORE_AT_LAUNCH:
        location.warn("xr-055-gamerscore", f"XR-055 asks for exactly 1000 Gamerscore at launch, here are {sum(base)}")
    for achievement in draft.achievements:
        gamerscore = _points(achievement)
        there = location.at(f"achievement/{achievement.number}")
        if gamerscore > GAMERSCORE_OF_ONE:
            there.warn("xr-055-one", f"XR-055 allows at most 200 Gamerscore for one, here are {gamerscore}")
        if achievement.kind == "Challenge" and gamerscore:
            there.warn("challenge-with-gamerscore", "a Challenge cannot carry Gamerscore on the live service")


def _points(achievement: Achievement) -> int:
    """Gamerscore, 0 for one whose value is no number: that is an error of its own."""
    try:
        return achievement.gamerscore
    except ValueError:
        return 0


def _twice(found: Iterable[str]) -> list[str]:
    return [one for one, times in collections.Counter(found).items() if times > 1]
