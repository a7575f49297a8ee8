"""Write a title as files of any format, for `laurel catalog export` and for downloads. Pure."""

from typing import cast

from service.core.catalog.model import Draft
from service.core.formats import po
from service.core.formats.registry import EXPORT_FORMATS, FORMATS, Export, ExportFormat
from service.core.formats.syntax.zip_files import write_zip
from service.errors import InvalidCatalog

DOWNLOAD_FORMATS = ("pot", *EXPORT_FORMATS)


def export(draft: Draft, format: ExportFormat) -> Export:  # noqa: A002  (the name that callers know it by)
    """The files of a title: the same bytes for the same draft.

    Raises:
        InvalidCatalog: the format cannot hold the title. "zip" leaves out such a format instead.
    """
    if format == "zip":
        return _export_all(draft)
    writer = FORMATS[format].write
    assert writer is not None  # noqa: S101  (every export format has a writer)
    return writer(draft)


def download(draft: Draft, format: str, *, locale: str = "") -> tuple[str, bytes]:  # noqa: A002  (as above)
    """The name and the bytes of a title as one file of `DOWNLOAD_FORMATS`: a ZIP, if the format has several files.

    `locale` selects one PO file; "" means all.

    Raises:
        InvalidCatalog: the format cannot hold the title.
    """
    name = f"title-{draft.title.title_id}"
    if format == "pot":
        return f"{name}.pot", po.write_pot(draft)
    if format == "po" and locale:
        return f"{name}-{locale}.po", po.write_po(draft, locale)
    files = export(draft, cast("ExportFormat", format)).files
    if len(files) == 1:
        ((path, data),) = files.items()
        return path.rpartition("/")[2], data
    return f"{name}-{format}.zip", write_zip(files)


def _export_all(draft: Draft) -> Export:
    """A ZIP of all formats: the title's TOML and PO files at the top, every other format in a folder of its name."""
    files: dict[str, bytes] = {}
    left_out: list[str] = []
    for name in EXPORT_FORMATS:
        if name in {"zip", "po"}:  # the TOML export has the PO files
            continue
        try:
            exported = export(draft, name)
        except InvalidCatalog as error:
            left_out += [f"{name}: {diagnostic}" for diagnostic in error.diagnostics]
            continue
        files |= {path if name == "toml" else f"{name}/{path}": data for path, data in exported.files.items()}
        left_out += exported.left_out
    return Export(files={f"title-{draft.title.title_id}.zip": write_zip(files)}, left_out=tuple(left_out))
