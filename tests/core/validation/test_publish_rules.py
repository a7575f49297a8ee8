import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.concurrency.steps import run_at_once
from service.core.catalog.model import Measure, MediaAsset, Requirement, Reward, Window
from service.core.formats.toml_catalog import read_toml
from service.core.validation.publish_rules import check, check_amended_steps
from tests.factories import achievement


@pytest.fixture
def draft(valid_files):
    return read_toml(valid_files["toml"], file="a.toml")


@pytest.fixture
def with_achievement(draft):
    """A function that changes members of the draft's last achievement."""

    def changed(**changes):
        achievements = (*draft.achievements[:-1], msgspec.structs.replace(draft.achievements[-1], **changes))
        return msgspec.structs.replace(draft, achievements=achievements)

    return changed


@pytest.fixture
def with_texts(draft):
    """A function that changes texts of the draft; None removes one."""

    def changed(locale="en-US", **texts):
        result = {**draft.texts.get(locale, {}), **texts}
        result = {key: text for key, text in result.items() if text is not None}
        return msgspec.structs.replace(draft, texts={**draft.texts, locale: result})

    return changed


def unlocks(number, *public_ids):
    """A requirement to hold other achievements."""
    measure = Measure(aggregate="unlocks", achievements=public_ids)
    return Requirement(id=f"00000000-0000-0000-0000-{number:012}", target=str(len(public_ids)), measure=measure)


def rules(diagnostics):
    return [(diagnostic.key, diagnostic.rule) for diagnostic in diagnostics]


def test_valid_draft_has_no_errors(draft):
    assert check(draft)[0] == []


@pytest.mark.parametrize("key", ["title/name", "achievement/8/name"])
def test_missing_required_text_is_an_error(with_texts, key):
    errors, _ = check(with_texts(**{key: None}))

    assert rules(errors) == [(key, "missing-text")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"number": 1}, ("achievement/1", "duplicate-number"), id="a number twice"),
        pytest.param({"public_id": "1"}, ("achievement/8", "duplicate-public-id"), id="a public id twice"),
        pytest.param({"media": ()}, ("achievement/8", "no-picture"), id="no picture"),
        pytest.param({"platforms": ()}, ("achievement/8", "no-platform"), id="no platform"),
        pytest.param({"product_id": "x"}, ("achievement/8.product_id", "guid"), id="a product that is no GUID"),
        pytest.param({"image_id": 2**32}, ("achievement/8.image_id", "u32"), id="an image id of 33 bits"),
        pytest.param({"estimated_seconds": 86400}, ("achievement/8.estimated_seconds", "duration"), id="a day"),
        pytest.param(
            {"window": Window(opens_at=1, closes_at=1)}, ("achievement/8", "window"), id="a window without time"
        ),
        pytest.param(
            {"media": (MediaAsset(name="a", kind="Icon", url="file:///etc/passwd"),)},
            ("achievement/8.media", "url"),
            id="a URL of a file",
        ),
        pytest.param(
            {"rewards": (Reward(kind="Gamerscore", value="1.5", value_type="Int"),)},
            ("achievement/8.rewards", "u32"),
            id="half a point",
        ),
    ],
)
def test_invalid_definition_is_an_error(with_achievement, changes, expected):
    errors, _ = check(with_achievement(**changes))

    assert expected in rules(errors)


@pytest.mark.parametrize(
    ("locale", "texts", "rule"),
    [
        pytest.param("fr-FR", {"achievement/9/name": "x"}, "unknown-key", id="a key of nothing"),
        pytest.param("fr-FR", {"achievement/8/name": "a\0"}, "control-character", id="NUL"),
        pytest.param("fr_fr", {}, "locale", id="a locale in another spelling"),
    ],
)
def test_invalid_text_is_an_error(with_texts, locale, texts, rule):
    errors, _ = check(with_texts(locale, **texts))

    assert [diagnostic.rule for diagnostic in errors] == [rule]


@pytest.mark.parametrize(
    ("rewards", "kind", "expected"),
    [
        pytest.param("201", "Persistent", ("achievement/8", "xr-055-one"), id="over 200 points"),
        pytest.param("10", "Challenge", ("achievement/8", "challenge-with-gamerscore"), id="a challenge with points"),
        pytest.param("10", "Persistent", (None, "xr-055-gamerscore"), id="not 1000 in all"),
        pytest.param("10", "Persistent", (None, "xr-055-achievements"), id="fewer than 10"),
    ],
)
def test_certification_rule_is_a_warning(with_achievement, rewards, kind, expected):
    reward = Reward(kind="Gamerscore", value=rewards, value_type="Int")

    errors, warnings = check(with_achievement(rewards=(reward,), kind=kind))

    assert errors == []
    assert expected in rules(warnings)


def test_certification_warnings_state_the_limits(with_achievement):
    reward = Reward(kind="Gamerscore", value="201", value_type="Int")

    _, warnings = check(with_achievement(rewards=(reward,)))

    assert [diagnostic.message for diagnostic in warnings if "xr-055" in diagnostic.rule] == [
        "XR-055: expected 10 to 100 achievements at launch, got 2",
        "XR-055: expected exactly 1000 Gamerscore at launch, got 201",
        "XR-055: expected at most 200 Gamerscore for one achievement, got 201",
    ]


def test_achievement_added_after_launch_does_not_count_as_launch(with_achievement):
    points = Reward(kind="Gamerscore", value="990", value_type="Int")

    for is_base in (True, False):
        _, warnings = check(with_achievement(rewards=(points,), is_base=is_base))

        assert (f"got {990 if is_base else 0}" in f"{warnings}") is True


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_generated_draft_has_no_errors_in_its_values(drafts, data):
    errors, _ = check(data.draw(drafts))

    of_measures = {"unknown-metric", "unknown-attribute", "unknown-achievement", "measure", "target"}
    of_keys = {"key", "duplicate-key", "circle"}
    assert {diagnostic.rule for diagnostic in errors} <= {"missing-text"} | of_measures | of_keys


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_check_of_what_was_amended_finds_what_the_check_of_the_whole_title_finds(draft, drafts, data):
    """For changes as the admin API makes them: achievements, metrics and texts are added or replaced, never removed."""
    other = data.draw(drafts)
    rewards = {item.number: item.rewards for item in draft.achievements}
    achievements = {item.number: item for item in draft.achievements} | {
        item.number: msgspec.structs.replace(item, rewards=rewards.get(item.number, item.rewards))
        for item in other.achievements
    }
    taken = {metric.key for metric in draft.title.metrics}
    title = msgspec.structs.replace(
        draft.title,
        attributes=data.draw(st.sampled_from([draft.title.attributes, ()])),
        metrics=(*draft.title.metrics, *(metric for metric in other.title.metrics if metric.key not in taken)),
    )
    amended = msgspec.structs.replace(
        draft,
        title=data.draw(st.sampled_from([draft.title, title])),
        achievements=tuple(sorted(achievements.values(), key=lambda item: item.number)),
        texts={
            **draft.texts,
            **{locale: {**draft.texts.get(locale, {}), **new} for locale, new in other.texts.items()},
        },
    )

    assert check(draft)[0] == []
    assert set(rules(run_at_once(check_amended_steps(draft, amended)))) == set(rules(check(amended)[0]))


def test_only_achievements_in_a_cycle_of_prerequisites_are_errors(draft):
    """2 and 3 need each other, 4 itself; 1 needs 2, 5 is needed by 2, and 6 needs nobody."""
    needs = {1: "2", 2: "35", 3: "2", 4: "4", 5: "6", 6: ""}
    achievements = tuple(
        achievement(number, requirements=tuple(unlocks(number, *others) for _ in others[:1]))
        for number, others in needs.items()
    )
    texts = {"en-US": {"title/name": "T", **{f"achievement/{number}/name": "A" for number in needs}}}
    title = msgspec.structs.replace(draft, achievements=achievements, texts=texts)

    messages = [diagnostic.message for diagnostic in check(title)[0] if diagnostic.rule == "circle"]

    assert [message.split()[1] for message in messages] == ["'2'", "'3'", "'4'"]
