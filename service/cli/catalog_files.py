"""Files given to `laurel catalog import` as drafts: each read by what stands in it, all checked before any is used."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from service.core.catalog.model import Draft
from service.core.formats import read
from service.core.formats.detect import detect_format
from service.core.formats.entry import publishable_texts
from service.core.formats.registry import ImportFormat
from service.core.formats.title_folder import read_title_folder
from service.core.formats.xbox import captured_page, partner_center, partner_center_draft
from service.core.publishing.merge import MergeMode
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import Diagnostic, InvalidCatalog

Places = Mapping[tuple[str, str], tuple[str, int | None]]
"""Locale and text key → the file and the line where the text stands."""

DraftOf = Callable[[int], Draft | None]


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says that some formats do not hold; None where it says nothing.

    `locales` is the folder of PO files; without it, `locales` beside a TOML, or else here.
    `locale` is of a captured page's texts; `title_id`, `scid`, `product_id` and `name` of Partner Center's files.
    """

    locales: pathlib.Path | None = None
    locale: str = "en-US"
    title_id: int | None = None
    scid: str | None = None
    product_id: str | None = None
    name: str | None = None


class ParsedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A draft to be merged into what is being edited.

    `places` gives the file and line of each text, by locale and key; only files of texts alone have them.
    """

    draft: Draft
    file: str
    mode: MergeMode
    places: Places = {}


def read_files(
    paths: Sequence[pathlib.Path], given: ImportOptions, *, forced: ImportFormat | None, draft_of: DraftOf
) -> tuple[list[ParsedFile], list[Diagnostic]]:
    """The drafts of these files, and warnings. `draft_of` gives what is being edited of a title already.

    Raises:
        InvalidCatalog: anything is wrong in any of them; the problems of all files come together.
    """
    reading = _Reading(given, draft_of)
    for path in paths:
        with reading.collecting():
            data = _read(path)
            reading.take(path, data, forced or detect_format(data, str(path)))
    with reading.collecting():
        reading.join_partner_files()
    if reading.found:
        raise InvalidCatalog(reading.found)
    return reading.incoming, reading.warnings


class _Reading:
    """What was read so far, and everything that was wrong."""

    def __init__(self, given: ImportOptions, draft_of: DraftOf) -> None:
        self.given = given
        self.draft_of = draft_of
        self.found: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.incoming: list[ParsedFile] = []
        self.partner: dict[ImportFormat, tuple[pathlib.Path, bytes]] = {}

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Go on after a file that is refused, so that all of them are told about."""
        try:
            yield
        except InvalidCatalog as refusal:
            self.found += refusal.diagnostics

    def take(self, path: pathlib.Path, data: bytes, kind: ImportFormat) -> None:
        """Read one file; Partner Center's two are kept until both are there."""
        file = str(path)
        match kind:
            case "toml":
                draft, unwise = read_title_folder(path, locales_of(path, self.given))
                self.warnings += unwise
                self.incoming.append(ParsedFile(draft=draft, file=file, mode="complete"))
            case "xbox-page":
                drafts = captured_page.read_definitions(data, file=file, locale=self.given.locale)
                self.incoming += [ParsedFile(draft=draft, file=file, mode="partial") for draft in drafts]
            case "po" | "steam" | "google-play" | "epic" | "csv":
                self.take_texts(path, {file: data}, kind)
            case "localization" | "achievements2017":
                if kind in self.partner:
                    raise _refused(path, "one-of-a-kind", f"{self.partner[kind][0]} is a {kind} file too")
                self.partner[kind] = path, data

    def take_texts(self, path: pathlib.Path, files: dict[str, bytes], kind: ImportFormat) -> None:
        """Read the texts of a title that is here."""
        draft = _known(path, self.given, self.draft_of)
        parsed = read.read(files, draft=draft, format=kind)
        if parsed.diagnostics:
            raise InvalidCatalog(parsed.diagnostics)
        texts, wrong, unwise = publishable_texts(parsed.entries, draft, file=str(path))
        if wrong:
            raise InvalidCatalog(wrong)
        self.warnings += unwise
        incoming = Draft(title=draft.title, achievements=(), texts=texts)
        places = {(entry.locale, entry.key): (str(path), entry.line) for entry in parsed.entries}
        self.incoming.append(ParsedFile(draft=incoming, file=str(path), mode="partial", places=places))

    def join_partner_files(self) -> None:
        """Make one draft of Partner Center's two files, if there are any; strings alone are texts."""
        if self.partner.keys() == {"localization"}:
            path, data = self.partner["localization"]
            self.take_texts(path, {str(path): data}, "localization")
        elif self.partner:
            self.incoming.append(_partner_center(self.partner, self.given, self.draft_of))


def locales_of(path: pathlib.Path, given: ImportOptions) -> pathlib.Path:
    """The folder where the PO files of a TOML are."""
    beside = path.parent / "locales"
    return given.locales or (beside if beside.is_dir() else pathlib.Path("locales"))


def _known(path: pathlib.Path, given: ImportOptions, draft_of: DraftOf) -> Draft:
    """The title whose texts a file holds: the one that was named, or that of its name."""
    stem = path.stem.removeprefix("title-")
    title_id = given.title_id or (int(stem) if stem.isascii() and stem.isdecimal() else 0)
    draft = draft_of(title_id) if title_id else None
    if draft is None:
        raise _refused(path, "unknown-title", "expected the texts of a title that is here: name it with --title")
    return draft


def _partner_center(
    files: dict[ImportFormat, tuple[pathlib.Path, bytes]], given: ImportOptions, draft_of: DraftOf
) -> ParsedFile:
    if "localization" not in files:
        only, _ = files["achievements2017"]
        raise _refused(only, "two-files", "give localization.xml and achievements2017.xml together")
    path, data = files["achievements2017"]
    localization, strings_data = files["localization"]
    known = draft_of(given.title_id) if given.title_id else None
    name, scid, product_id = given.name, given.scid, given.product_id
    if known is not None:
        scid = scid or known.title.scid
        product_id = product_id or next((achievement.product_id for achievement in known.achievements), None)
    if given.title_id is None or scid is None or product_id is None or (known is None and name is None):
        what = "--title, --scid, --product-id and --name"
        raise _refused(path, "title-is-not-said", f"the file does not say of which title it is: give {what}")
    draft = partner_center_draft.build_draft(
        partner_center.read_localization(strings_data, file=str(localization)),
        partner_center.read_achievements2017(data, file=str(path)),
        file=str(path),
        title_id=given.title_id,
        scid=scid,
        product_id=product_id,
        title_name=name,
    )
    draft = draft if known is None else partner_center_draft.keep_known(draft, known)
    return ParsedFile(draft=draft, file=str(path), mode="partial")


def _read(path: pathlib.Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refused(path, "unreadable", f"the file cannot be read: {error.strerror}") from None


def _refused(path: pathlib.Path, rule: str, message: str) -> InvalidCatalog:
    return InvalidCatalog([Diagnostic(file=str(path), rule=rule, message=message)])
