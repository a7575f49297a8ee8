"""Properties of an achievement's definition: its icon, who sees it, and who reports its progress."""

import pytest

from service.core.catalog.model import NO_PICTURE, Measure, MediaAsset, Requirement
from tests.factories import achievement

ICON = MediaAsset(name="a.png", kind="Icon", url="https://images.example/a.png")
ART = MediaAsset(name="b.png", kind="Art", url="https://images.example/b.png")
REPORTED = Requirement(id="00000000-0000-0000-0000-000000000001", target="1")
MEASURED = Requirement(
    id="00000000-0000-0000-0000-000000000002", target="1", measure=Measure(aggregate="sum", metric="words")
)


@pytest.mark.parametrize(("media", "icon"), [((ART, ICON), ICON), ((ART,), None), ((NO_PICTURE, ICON), None)])
def test_icon_is_the_first_one_unless_it_is_the_placeholder(media, icon):
    assert achievement(1, media=media).icon == icon


@pytest.mark.parametrize(
    ("status", "visible"),
    [("inactive", (False, False)), ("active", (True, True)), ("locked", (False, True)), ("archived", (False, False))],
)
def test_status_decides_who_sees_an_achievement(status, visible):
    item = achievement(1, status=status)

    assert (item.is_visible(is_unlocked=False), item.is_visible(is_unlocked=True)) == visible


@pytest.mark.parametrize(
    ("requirements", "is_reported", "is_fully_reported"),
    [((), True, True), ((REPORTED,), True, True), ((REPORTED, MEASURED), True, False), ((MEASURED,), False, False)],
)
def test_title_reports_requirements_without_a_measure(requirements, is_reported, is_fully_reported):
    item = achievement(1, requirements=requirements)

    assert (item.is_reported, item.is_fully_reported) == (is_reported, is_fully_reported)
