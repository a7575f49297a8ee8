"""One served release of a title: achievements in catalog order, texts along a locale chain, current values. Pure."""

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from service.core.catalog import model
from service.core.catalog.model import Achievement, Kind, Texts, Title, metric_key, reward_key, to_int4
from service.core.languages import negotiation
from service.core.unlocks.measures import decimal_text
from service.core.unlocks.model import manual_key, manual_number
from service.core.unlocks.player_progress import CurrentValues, TitleProgress, derive
from service.core.unlocks.rules import Rules


class LocalizedTexts(msgspec.Struct, frozen=True):
    """All strings of one achievement in the best locales of one chain.

    `rewards` are (name, description) in the order of the definition; None where a reward has no text. `first_locale`
    is the lowest index in the chain of a locale that supplied any string, None if none did. `locales` are the indexes
    in the chain of the locale of each string, in the order of `PublishedTitle.keys_of`.
    """

    name: str
    description: str
    locked_description: str
    rewards: tuple[tuple[str | None, str | None], ...]
    first_locale: int | None
    locales: tuple[int | None, ...]


_MAX_TRIMMED = 512  # chains of one title
_keys = itertools.count()


class PublishedTitle:
    """One release of one title: its achievements in catalog order, and its texts by locale.

    Catalog order is by display order, then number, without inactive and archived achievements; `all_achievements` has
    those too, by number. `positions` maps a number, as a player's row stores it (a u32 as the int4 of the same bits),
    to its index in catalog order. `publication_id` identifies the publication that serves it. `key` is unique in this
    process, for caches; a publication id is not, as tests and tools use several databases.
    """

    def __init__(
        self, *, publication_id: int, release: int, title: Title, achievements: Sequence[Achievement], texts: Texts
    ) -> None:
        self.key = next(_keys)
        self.publication_id = publication_id
        self.release = release
        self.title = title
        self.title_id = title.title_id
        self.rules = Rules(title, achievements)
        self.all_achievements = {
            achievement.number: achievement for achievement in sorted(achievements, key=lambda a: a.number)
        }
        shown = (achievement for achievement in achievements if achievement.status in ("active", "locked"))
        self.achievements = tuple(sorted(shown, key=lambda a: (a.display_order, a.number)))
        self.stored_numbers = tuple(to_int4(achievement.number) for achievement in self.achievements)
        self.positions = {number: position for position, number in enumerate(self.stored_numbers)}
        self.texts = texts
        self.locales = tuple(texts)
        self.closings = sorted(a.window.closes_at for a in self.achievements if a.window is not None)
        self.gamerscore = sum(achievement.gamerscore for achievement in self.achievements)
        every_key = {key for found in texts.values() for key in found}
        self._missing = {locale: every_key - found.keys() for locale, found in texts.items()}
        self._trimmed: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._measured: dict[str, list[int]] = {}
        self._counting_unlocks: list[int] = []
        for position, achievement in enumerate(self.achievements):
            for requirement in achievement.requirements:
                if requirement.measure is not None and requirement.measure.aggregate == "unlocks":
                    self._counting_unlocks.append(position)
                elif requirement.measure is not None:
                    self._measured.setdefault(requirement.measure.key, []).append(position)
        self._by_kind: dict[Kind | None, Sequence[int]] = {None: range(len(self.achievements))}

    def of_kind(self, kind: Kind | None) -> Sequence[int]:
        """The positions of the achievements of one kind (None: of all), in catalog order."""
        found = self._by_kind.get(kind)
        if found is None:
            found = tuple(i for i, achievement in enumerate(self.achievements) if achievement.kind == kind)
            self._by_kind[kind] = found
        return found

    def current_values(self, progress: TitleProgress) -> CurrentValues:
        """A player's current values of requirements: imported ones, and those computed from measures.

        Requirements on tenure are left out, so the values change only with the revision of the player's row.
        """
        if not progress.measure_values:
            return progress.current_values
        return derive(
            progress.derived, ("currents", self.key), lambda: {**progress.current_values, **self._counted(progress)}
        )

    def _counted(self, progress: TitleProgress) -> CurrentValues:
        """The current values of the achievements that this player has any of: far fewer than a large title has."""
        state, counted = progress.state(), {}
        for position in sorted(self._positions_with_values(progress.measure_values)):
            number, achievement = self.stored_numbers[position], self.achievements[position]
            values: list[str | None] = []
            is_reported = manual_key(achievement.number) in progress.measure_values
            for requirement in achievement.requirements:
                value = None
                if requirement.measure is None or requirement.measure.aggregate != "age":
                    value = self.rules.value(requirement, state, number=achievement.number, now=0)
                values.append(None if value is None else decimal_text(value))
            if is_reported or any(value is not None for value in values):
                counted[number] = values
        return counted

    def _positions_with_values(self, measure_values: Iterable[str]) -> set[int]:
        """The positions of achievements that a measure value is of, or that count unlocks, which needs none."""
        positions = set(self._counting_unlocks)
        for key in measure_values:
            number = manual_number(key)
            if number is None:
                positions.update(self._measured.get(key, ()))
            elif (position := self.position_of(number)) is not None:
                positions.add(position)
        return positions

    def position_of(self, number: int) -> int | None:
        """An achievement's index in catalog order; None if it is not in it."""
        return self.positions.get(to_int4(number)) if 0 < number < model.U32 else None

    def last_closing(self, now: int) -> int:
        """When the last window that has closed by now closed, in ticks; 0 if none has."""
        closed = bisect.bisect_right(self.closings, now)
        return self.closings[closed - 1] if closed else 0

    def full_chain_for(self, accept_language: str, *, country: str | None, max_distance: int) -> tuple[str, ...]:
        """The locales in which to look for each string, best first; the arguments are those of `negotiation.chain`."""
        return negotiation.chain(
            accept_language,
            country=country,
            locales=self.locales,
            default=self.title.default_locale,
            max_distance=max_distance,
        )

    def chain_for(self, accept_language: str, *, country: str | None, max_distance: int) -> tuple[str, ...]:
        """The same chain without the locales that are never used."""
        return self.trim_chain(self.full_chain_for(accept_language, country=country, max_distance=max_distance))

    def trim_chain(self, chain: tuple[str, ...]) -> tuple[str, ...]:
        """The chain without the locales that are never used: those that add no string to the ones before them.

        If all strings of an achievement are in one locale, only those after a complete locale are never used.
        """
        trimmed = self._trimmed.get(chain)
        if trimmed is None:
            if len(self._trimmed) >= _MAX_TRIMMED:
                self._trimmed.clear()
            trimmed = self._trimmed[chain] = tuple(self._used(chain))
        return trimmed

    def _used(self, chain: tuple[str, ...]) -> Iterator[str]:
        first = chain[0]
        missing = self._missing.get(first)
        yield first
        for locale in chain[1:]:
            if missing is not None and not missing:
                return
            lacks = self._missing.get(locale)
            if lacks is None:
                continue
            still_missing = lacks if missing is None else missing & lacks
            if self.title.text_unit == "achievement":
                still_missing = lacks
            elif missing is not None and len(still_missing) == len(missing):
                continue
            yield locale
            missing = still_missing

    def texts_at(self, position: int, chain: tuple[str, ...]) -> LocalizedTexts:
        """The strings of the achievement at a position in catalog order."""
        return self.texts_of(self.achievements[position], chain)

    def texts_of(self, achievement: Achievement, chain: tuple[str, ...]) -> LocalizedTexts:
        """The strings of one achievement: each in its own best locale, or with `text_unit` "achievement" all in one."""
        keys = self.keys_of(achievement)
        if self.title.text_unit == "achievement":
            chain = self.single_language_chain(keys, chain)
        found = [self._first(key, chain) for key in keys]
        texts = [text for text, _ in found]
        locales = [index for _, index in found]
        used = [index for index in locales if index is not None]
        return LocalizedTexts(
            name=texts[0] or "",
            description=texts[1] or "",
            locked_description=texts[2] or texts[1] or "",
            rewards=tuple(zip(texts[3::2], texts[4::2], strict=True)),
            first_locale=min(used, default=None),
            locales=(*locales[:2], locales[2] if texts[2] else locales[1], *locales[3:]),
        )

    def keys_of(self, achievement: Achievement) -> list[str]:
        """The keys of an achievement's strings: its own three, then two a reward."""
        keys = [*achievement.text_keys()]
        for reward in achievement.rewards:
            keys += (reward_key(achievement.number, reward.kind, field) for field in ("name", "description"))
        return keys

    def name(self, chain: tuple[str, ...]) -> tuple[str, str | None]:
        """The title's name and its locale; "" and None if no locale of the chain has one."""
        text, index = self._first(model.TITLE_NAME, chain)
        return text or "", None if index is None else chain[index]

    def metric_name(self, key: str, chain: tuple[str, ...]) -> tuple[str, str | None]:
        """A metric's name and its locale; its key and None if no locale of the chain has a name."""
        text, index = self._first(metric_key(key), chain)
        return (text, chain[index]) if text and index is not None else (key, None)

    def _first(self, key: str, chain: tuple[str, ...]) -> tuple[str | None, int | None]:
        for index, locale in enumerate(chain):
            text = self.texts.get(locale, {}).get(key)
            if text is not None:
                return text, index
        return None, None

    def single_language_chain(self, keys: list[str], chain: tuple[str, ...]) -> tuple[str, ...]:
        """The chain from the first locale that has all strings which the default locale has."""
        wanted = [key for key in keys if key in self.texts.get(self.title.default_locale, {})]
        for index, locale in enumerate(chain):
            found = self.texts.get(locale, {})
            if all(key in found for key in wanted):
                # Blanks replace the locales before it, so that indexes still refer to the chain.
                return ("",) * index + chain[index:]
        return chain
