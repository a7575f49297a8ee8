"""A title as files of any format: what `laurel catalog export` and the catalogs' routes hand out. Pure."""

from collections.abc import Callable, Mapping
from typing import Literal, cast, get_args

import msgspec

from service.core.catalog.model import Draft
from service.core.formats import plain_csv, po, title_folder
from service.core.formats.stores import epic, google_play, steam
from service.core.formats.syntax.zip_files import write_zip
from service.core.formats.xbox.export import write_xbox
from service.core.validation import store_ids
from service.errors import InvalidCatalog

ExportFormat = Literal["toml", "po", "xbox", "steam", "google-play", "epic", "csv", "zip"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
EXPORTS_OF_ONE_FILE = ("pot", *EXPORT_FORMATS)


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Files by their path below one folder, with `/` between. `left_out` says what the format has no place for."""

    files: dict[str, bytes]
    left_out: tuple[str, ...] = ()


def export(draft: Draft, format: ExportFormat) -> Export:  # noqa: A002  (the name that callers know it by)
    """The files of a title: the same bytes for the same draft.

    Raises:
        InvalidCatalog: the format cannot hold the title; "zip" leaves such a format out, and says so.
    """
    return _WRITERS[format](draft)


def one_file(draft: Draft, format: str, *, locale: str = "") -> tuple[str, bytes]:  # noqa: A002  (as above)
    """The name and the bytes of a title as one file of `EXPORTS_OF_ONE_FILE`: several of them in a ZIP.

    `locale` chooses one PO file, "" means all.

    Raises:
        InvalidCatalog: the format cannot hold the title.
    """
    name = f"title-{draft.title.title_id}"
    if format == "pot":
        return f"{name}.pot", po.write_pot(draft)
    if format == "po" and locale:
        return f"{name}-{locale}.po", po.write_po(draft, locale)
    files = _WRITERS[cast("ExportFormat", format)](draft).files
    if len(files) == 1:
        ((path, data),) = files.items()
        return path.rpartition("/")[2], data
    return f"{name}-{format}.zip", write_zip(files)


def _toml(draft: Draft) -> Export:
    return Export(files=title_folder.files_of(draft))


def _po(draft: Draft) -> Export:
    return Export(files=title_folder.locale_files_of(draft))


def _xbox(draft: Draft) -> Export:
    codes = store_ids.regional({*draft.texts, draft.title.default_locale}, default=draft.title.default_locale)
    return Export(files=write_xbox(draft), left_out=_without(draft, codes, "Partner Center"))


def _steam(draft: Draft) -> Export:
    files = {"loc_all.vdf": steam.write_vdf(draft)}
    return Export(files=files, left_out=_without(draft, store_ids.steam_languages(draft.texts), "Steam"))


def _google_play(draft: Draft) -> Export:
    return Export(files={"google-play.zip": google_play.write_play(draft)})


def _epic(draft: Draft) -> Export:
    return Export(files={"achievementLocalizations.csv": epic.write_epic(draft)})


def _csv(draft: Draft) -> Export:
    return Export(files={f"title-{draft.title.title_id}.csv": plain_csv.write_csv(draft)})


def _zip(draft: Draft) -> Export:
    """Every other format in one file: ours at the top, the stores' in folders of their names."""
    files: dict[str, bytes] = {}
    left_out: list[str] = []
    for name, writer in _WRITERS.items():
        if name in {"zip", "po"}:
            continue  # itself, and what is in ours already
        try:
            made = writer(draft)
        except InvalidCatalog as refusal:
            left_out += [f"{name}: {problem}" for problem in refusal.diagnostics]
            continue
        files |= {path if name == "toml" else f"{name}/{path}": data for path, data in made.files.items()}
        left_out += made.left_out
    return Export(files={f"title-{draft.title.title_id}.zip": write_zip(files)}, left_out=tuple(left_out))


def _without(draft: Draft, codes: Mapping[str, str], store: str) -> tuple[str, ...]:
    return tuple(f"the {locale} texts: {store} has no place for them" for locale in store_ids.left_out(draft, codes))


_WRITERS: Mapping[ExportFormat, Callable[[Draft], Export]] = {
    "toml": _toml,
    "po": _po,
    "xbox": _xbox,
    "steam": _steam,
    "google-play": _google_play,
    "epic": _epic,
    "csv": _csv,
    "zip": _zip,
}
