"""Where Laurel's own translations are: the texts of its pages and of its demo titles, as PO files."""

from pathlib import Path


def locales_folder() -> Path:
    """The folder of Laurel's own translations: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    packaged = package / "_locales"
    return packaged if packaged.is_dir() else package.parent / "locales"
