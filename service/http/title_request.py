"""What requests about a title's texts share, over REST and on the pages of the workbench: title, key and locale."""

from contextlib import AbstractContextManager
from typing import cast

from aiohttp import web

from service.concurrency.processes import Run
from service.core.auth.permissions import may_read_texts
from service.core.catalog.model import U32
from service.core.formats.write import DOWNLOAD_FORMATS
from service.core.localization.import_report import ReportSummary
from service.core.localization.strings import FILTERS, Filter
from service.core.publishing.releases import MAX_RELEASE
from service.errors import InvalidParameter
from service.http.conditional import if_match_version, version_etag
from service.http.params import KEY_CHARACTERS, choice, clean_text, integer, locale_param, path_int, query_params
from service.http.services import PRINCIPAL, SERVICES, Services

STRING_TAG, CATALOG_TAG = "v", "c"
"""The kinds of the version numbers in entity tags: of a string in a locale, and of a title's draft."""

MAX_SKIP = 2**31 - 1


class TitleRequest:
    """A request about the texts of the title in its path, by a principal who may read them.

    Raises:
        InvalidParameter: the path has no valid title id.
        PermissionDenied: the principal has no right on the title's texts.
    """

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        self.title_id = path_int(request, "title", most=U32 - 1)
        may_read_texts(self.principal, self.title_id)

    @property
    def run(self) -> Run:
        """Runs work that grows with the title on behalf of the caller."""
        return self.services.processes.run_for(self.principal.name)

    def one_at_a_time(self) -> AbstractContextManager[None]:
        """Refuse a second import or export of this caller for as long as the block runs.

        Raises:
            TooManyRequests: the caller has one already.
        """
        return self.services.processes.one_at_a_time(self.principal.name)

    def version_etag(self, kind: str, version: int) -> str:
        """The entity tag of a string in a locale (`STRING_TAG`) or of the title's draft (`CATALOG_TAG`)."""
        return version_etag(kind, version, incarnation=self.services.incarnation.tag)

    def expected_version(self, kind: str) -> int:
        """The version that If-Match names, -1 if the database was restored since.

        Raises:
            PreconditionRequired: there is no If-Match.
            InvalidParameter: it is not exactly one entity tag of that kind.
        """
        return if_match_version(self.request, kind, incarnation=self.services.incarnation.tag)

    def key(self) -> str:
        """The text key in the path; its slashes may be percent-encoded."""
        return clean_text("key", self.request.match_info["key"], KEY_CHARACTERS)

    def locale(self) -> str:
        """The locale in the path, in its canonical spelling."""
        return locale_param("locale", self.request.match_info["locale"])

    def release(self) -> int:
        """The number of the release in the path."""
        return path_int(self.request, "release", most=MAX_RELEASE)

    def export_params(self) -> tuple[str, str]:
        """The format of an export and the locale to limit it to: "" for all, as for every format but PO."""
        query = query_params(self.request, "format", "locale")
        kind = choice("format", query["format"] or "po", DOWNLOAD_FORMATS)
        return kind, locale_param("locale", query["locale"]) if kind == "po" and query["locale"] else ""

    def releases_before(self, *others: str) -> int:
        """The release before which those of a list begin; `others` are the other parameters of the query."""
        text = query_params(self.request, "before", *others)["before"]
        return integer("before", text, least=1, most=MAX_RELEASE) if text else MAX_RELEASE

    def part(self, count: int, *others: str) -> range:
        """The positions of what to show of a long list: as many, after those that the query skips."""
        text = query_params(self.request, "skip", *others)["skip"]
        skip = integer("skip", text, most=MAX_SKIP) if text else 0
        return range(skip, skip + count)

    def report_locale(self, report: ReportSummary) -> str:
        """The locale of an import's report that the query names; without a name, the only one that the report has.

        Raises:
            InvalidParameter: the report has no such locale, or several to choose from.
        """
        requested = query_params(self.request, "locale")["locale"]
        locales = sorted(report.counts)
        locale = locale_param("locale", requested) if requested else locales[0] if len(locales) == 1 else ""
        if locale not in report.counts:
            raise InvalidParameter("locale", f"one of the report: {', '.join(locales)}", locale)
        return locale


def filter_param(text: str) -> Filter:
    """The filter of that name.

    Raises:
        InvalidParameter: there is no such filter.
    """
    return cast("Filter", choice("filter", text, FILTERS))
