"""Files for `laurel catalog import` and `check`: formats are detected, and files of definitions are read as drafts."""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
import msgspec

from service.core.catalog.model import U32, Draft
from service.core.formats.detect import detect_format
from service.core.formats.registry import ImportFormat
from service.core.formats.title_folder import read_title_folder
from service.core.formats.xbox import captured_page, partner_center, partner_center_draft
from service.core.languages.tags import canonical_locale
from service.core.publishing.merge import MergeMode
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import Diagnostic, InvalidCatalog
from service.integers import parse_integer

CAPTURED_LOCALE = "en-US"  # of a captured page, which does not state its language


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What some formats do not contain; None where the caller does not state it.

    `locales` is the folder of PO files (`locales_of` has the default). `locale` is the language of a file that does not
    state it, and of files of texts with several the one to read. `title_id`, `scid`, `product_id` and `name` belong to
    Partner Center's files, and `title_id` also to files of texts.
    """

    locales: pathlib.Path | None = None
    locale: str | None = None
    title_id: int | None = None
    scid: str | None = None
    product_id: str | None = None
    name: str | None = None


class DefinitionsFile(msgspec.Struct, frozen=True, kw_only=True):
    """A draft from a file, to be merged into the existing one in `mode`."""

    draft: Draft
    file: str
    mode: MergeMode


class TextsFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of texts for an existing title, not read yet."""

    title_id: int
    file: str
    data: bytes
    format: ImportFormat


class FilesRead(msgspec.Struct, frozen=True, kw_only=True):
    """Files by what they contain, each in the order they were given, with warnings."""

    definitions: list[DefinitionsFile]
    texts: list[TextsFile]
    warnings: list[Diagnostic]


def _check_locale(_context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else canonical_locale(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from None


def import_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that describe files to a command, which gets them as one `ImportOptions` in `options`."""

    @click.option(
        "--title", "title_id", type=click.IntRange(1, U32 - 1), help="The title of files that do not name it."
    )
    @click.option(
        "--locale",
        callback=_check_locale,
        help="The language of a file that does not state it (of a captured page en-US by default); of a file of texts in"
        " several languages, the only one to read.",
    )
    @click.option(
        "--locales",
        type=click.Path(path_type=pathlib.Path),
        help="The folder of PO files; by default `locales` beside the TOML file, or in the current folder.",
    )
    @click.option("--scid", help="The service config id of a new title from Partner Center's files.")
    @click.option("--product-id", help="The product id of a new title from Partner Center's files.")
    @click.option("--name", help="The name of a new title from Partner Center's files.")
    @functools.wraps(command)
    def with_options(
        *,
        locales: pathlib.Path | None,
        locale: str | None,
        title_id: int | None,
        scid: str | None,
        product_id: str | None,
        name: str | None,
        **others: Any,
    ) -> None:
        command(
            options=ImportOptions(
                locales=locales, locale=locale, title_id=title_id, scid=scid, product_id=product_id, name=name
            ),
            **others,
        )

    return with_options


def read_files(
    paths: Sequence[pathlib.Path], options: ImportOptions, *, forced: ImportFormat | None, known: Draft | None
) -> FilesRead:
    """The definitions of these files, and the files of texts. `known` is the existing draft of the named title.

    Raises:
        InvalidCatalog: a file has errors; it carries those of all files.
    """
    reader = _Reader(options, known)
    for path in paths:
        with reader.collecting_errors():
            data = _read(path)
            reader.read_file(path, data, forced or detect_format(data, str(path)))
    with reader.collecting_errors():
        reader.join_partner_files()
    if reader.errors:
        raise InvalidCatalog(reader.errors)
    return FilesRead(definitions=reader.definitions, texts=reader.texts, warnings=reader.warnings)


class _Reader:
    """The files that were read so far, with their errors and warnings."""

    def __init__(self, options: ImportOptions, known: Draft | None) -> None:
        self.options = options
        self.known = known
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.definitions: list[DefinitionsFile] = []
        self.texts: list[TextsFile] = []
        self.partner_files: dict[ImportFormat, tuple[pathlib.Path, bytes]] = {}

    @contextlib.contextmanager
    def collecting_errors(self) -> Iterator[None]:
        """Collect the errors of an invalid file, so that the next files are read too."""
        try:
            yield
        except InvalidCatalog as error:
            self.errors += error.diagnostics

    def read_file(self, path: pathlib.Path, data: bytes, kind: ImportFormat) -> None:
        """Read one file; Partner Center's two files are kept until both are there."""
        file = str(path)
        match kind:
            case "toml":
                draft, warnings = read_title_folder(path, locales_of(path, self.options))
                self.warnings += warnings
                self.definitions.append(DefinitionsFile(draft=draft, file=file, mode="complete"))
            case "xbox-page":
                locale = self.options.locale or CAPTURED_LOCALE
                drafts = captured_page.read_definitions(data, file=file, locale=locale)
                self.definitions += [DefinitionsFile(draft=draft, file=file, mode="partial") for draft in drafts]
            case "po" | "steam" | "google-play" | "epic" | "csv":
                self.add_texts(path, data, kind)
            case "localization" | "achievements2017":
                if kind in self.partner_files:
                    other = self.partner_files[kind][0]
                    raise _invalid_file(path, "one-of-a-kind", f"{other} is a {kind} file too")
                self.partner_files[kind] = path, data

    def add_texts(self, path: pathlib.Path, data: bytes, kind: ImportFormat) -> None:
        """Keep a file of texts for the title of the options, or of the file's name (`title-7.po`)."""
        title_id = self.options.title_id
        if title_id is None:
            with contextlib.suppress(ValueError):
                title_id = parse_integer(path.stem.removeprefix("title-"), least=1, most=U32 - 1)
        if title_id is None:
            raise _invalid_file(
                path, "unknown-title", "the file does not name the title of its texts: name it with --title"
            )
        self.texts.append(TextsFile(title_id=title_id, file=str(path), data=data, format=kind))

    def join_partner_files(self) -> None:
        """Make one draft of Partner Center's two files, if there are any; localization.xml alone contains texts."""
        if self.partner_files.keys() == {"localization"}:
            path, data = self.partner_files["localization"]
            self.add_texts(path, data, "localization")
        elif self.partner_files:
            self.definitions.append(_join_partner_files(self.partner_files, self.options, self.known))


def locales_of(path: pathlib.Path, options: ImportOptions) -> pathlib.Path:
    """The folder of the PO files of a TOML file: by default `locales` beside it, or in the current folder."""
    beside = path.parent / "locales"
    return options.locales or (beside if beside.is_dir() else pathlib.Path("locales"))


def _join_partner_files(
    files: dict[ImportFormat, tuple[pathlib.Path, bytes]], options: ImportOptions, known: Draft | None
) -> DefinitionsFile:
    if "localization" not in files:
        only, _ = files["achievements2017"]
        raise _invalid_file(only, "two-files", "give localization.xml and achievements2017.xml together")
    path, data = files["achievements2017"]
    localization, strings_data = files["localization"]
    name, scid, product_id = options.name, options.scid, options.product_id
    if known is not None:
        scid = scid or known.title.scid
        product_id = product_id or next((achievement.product_id for achievement in known.achievements), None)
    if options.title_id is None or scid is None or product_id is None or (known is None and name is None):
        missing = "--title, --scid, --product-id and --name"
        raise _invalid_file(path, "title-is-not-said", f"the file does not name its title: give {missing}")
    draft = partner_center_draft.build_draft(
        partner_center.read_localization(strings_data, file=str(localization)),
        partner_center.read_achievements2017(data, file=str(path)),
        file=str(path),
        title_id=options.title_id,
        scid=scid,
        product_id=product_id,
        title_name=name,
    )
    draft = draft if known is None else partner_center_draft.keep_known(draft, known)
    return DefinitionsFile(draft=draft, file=str(path), mode="partial")


def _read(path: pathlib.Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _invalid_file(path, "unreadable", f"the file cannot be read: {error.strerror}") from None


def _invalid_file(path: pathlib.Path, rule: str, message: str) -> InvalidCatalog:
    return InvalidCatalog([Diagnostic(file=str(path), rule=rule, message=message)])
