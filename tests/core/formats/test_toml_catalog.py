import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.catalog.model import MediaAsset, Requirement, Reward
from service.core.formats.toml_catalog import read_toml, write_toml


@pytest.fixture
def toml(valid_files):
    return valid_files["toml"].decode()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_written_title_reads_back_unchanged(drafts, data):
    draft = data.draw(drafts)

    assert read_toml(write_toml(draft), file="a.toml") == draft


def test_same_draft_gives_the_same_bytes(toml):
    draft = read_toml(toml.encode(), file="a.toml")

    assert write_toml(draft) == write_toml(read_toml(write_toml(draft), file="b.toml"))


def test_absent_members_have_their_defaults(toml):
    draft = read_toml(toml.encode(), file="a.toml")

    assert (draft.title.title_id, draft.title.kind, draft.title.platform) == (3051199919, "Game", "XboxOne")
    assert [achievement.number for achievement in draft.achievements] == [1, 8]
    lamplighter = draft.achievements[1]
    assert lamplighter.public_id == "8"
    assert lamplighter.platforms == ("XboxOne",)
    assert lamplighter.media == (MediaAsset(name="lamp.png", kind="Icon", url="https://images.example/lamp.png"),)
    assert lamplighter.requirements == (Requirement(id="862f2af6-a813-4f7c-9900-c533463568aa", target="250"),)
    assert lamplighter.rewards == (Reward(kind="Gamerscore", value="10", value_type="Int"),)
    assert draft.texts == {
        "en-US": {
            "title/name": "Saltglass",
            "achievement/1/name": "First Light",
            "achievement/1/description": "Lit the lighthouse.",
            "achievement/1/locked_description": "Light the lighthouse.",
            "achievement/1/reward/inapp/name": "A lantern",
            "achievement/8/name": "Lamplighter",
            "achievement/8/description": "Lit 250 street lamps.",
            "achievement/8/locked_description": "Light 250 street lamps.",
        }
    }


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        pytest.param("title_id = 3051199919", "title_id = 4294967296", ("u32", 1), id="a title id of 33 bits"),
        pytest.param("title_id = 3051199919", "title_id = true", ("wrong-type", 1), id="a truth for a number"),
        pytest.param('scid = "b5dd', 'scid = "zzzz', ("guid", 2), id="no GUID"),
        pytest.param('"en-US"', '"english!"', ("locale", 3), id="no language tag"),
        pytest.param('name = "Saltglass"', "", ("missing-member", None), id="no name of the title"),
        pytest.param('"Lamplighter"', r'"Lamp\u0000lighter"', ("control-character", 28), id="NUL in a text"),
        pytest.param('"Lamplighter"', '"  "', ("blank-text", 28), id="a blank text"),
        pytest.param("number = 8", "number = 1", ("duplicate-number", 26), id="a number twice"),
        pytest.param("number = 8", 'number = 8\npublic_id = "1"', ("duplicate-public-id", 26), id="a public id twice"),
        pytest.param("number = 8", "number = 8\nnumbr = 8", ("unknown-member", 28), id="an unknown name"),
        pytest.param("number = 8", "number = 0", ("u32", 27), id="the number 0"),
        pytest.param('value = "10"', 'value = "ten"', ("u32", 33), id="Gamerscore that is no number"),
        pytest.param('value = "10"', "value = 10", ("u32", 33), id="Gamerscore that is no text"),
        pytest.param('target = "250"', 'target = "٢٥٠"', ("decimal", 32), id="digits that are not ASCII"),
        pytest.param('first-light.png"\nkind', '"\nkind', ("blank-text", 17), id="a picture without a name"),
        pytest.param("https://images.example/first", "ftp://images.example/first", ("url", 19), id="a URL of FTP"),
        pytest.param('kind = "InApp"', 'kind = "Inapp"', ("unknown-word", 22), id="a word in another case"),
        pytest.param("[defaults]", "[default]", ("unknown-member", 6), id="an unknown table"),
        pytest.param("number = 8", "number = ", ("not-toml", 27), id="no TOML"),
    ],
)
def test_invalid_value_is_reported_with_rule_and_line(toml, errors_of, was, becomes, expected):
    assert was in toml

    assert expected in errors_of(read_toml, toml.replace(was, becomes).encode(), file="a.toml")


def test_all_errors_are_raised_together(toml, rules_of):
    broken = toml.replace("3051199919", "0").replace("number = 8", "number = -8").replace("https", "gopher")

    assert sorted(rules_of(read_toml, broken.encode(), file="a.toml")) == ["u32", "u32", "url", "url"]


def test_unknown_name_is_reported_with_the_most_similar_one(toml):
    with pytest.raises(Exception, match="did you mean 'locked_description'"):
        read_toml(toml.replace("locked_description", "locked_descripton").encode(), file="a.toml")


@pytest.mark.parametrize(
    ("addition", "rule"),
    [
        pytest.param('window = { opens = "2013-02-01T00:00:00Z" }', "missing-member", id="a window without an end"),
        pytest.param(
            'window = { opens = "2013-02-01T00:00:00Z", closes = "2013-02-01T00:00:00Z" }', "window", id="no time in it"
        ),
        pytest.param('window = { opens = 2013-02-01T00:00:00Z, closes = "x" }', "wrong-type", id="a time of TOML"),
        pytest.param('estimated_time = "24:00:00"', "duration", id="a day"),
        pytest.param("legacy_type = 8", "legacy-type", id="an unknown legacy type"),
        pytest.param("platforms = []", "no-platform", id="no platform"),
    ],
)
def test_inconsistent_achievement_is_an_error(toml, rules_of, addition, rule):
    broken = toml.replace("number = 8", f"number = 8\n{addition}")

    assert rule in rules_of(read_toml, broken.encode(), file="a.toml")


def test_two_rewards_of_a_kind_and_no_picture_are_errors(toml, rules_of):
    reward = '{ kind = "Gamerscore", value = "10" }'
    broken = toml.replace(f"[{reward}]", f"[{reward}, {reward}]").replace("media = [{", "media = [] # [{")

    assert rules_of(read_toml, broken.encode(), file="a.toml") == ["no-picture", "two-rewards"]


def test_window_keeps_the_fraction_digits_of_its_times(toml):
    window = 'window = { opens = "2013-02-01T00:00:00.25Z", closes = "2100-07-01T00:00:00.50Z" }'

    written = write_toml(read_toml(toml.replace("number = 8", f"number = 8\n{window}").encode(), file="a.toml"))

    assert b'opens = "2013-02-01T00:00:00.25Z"' in written
    assert b'closes = "2100-07-01T00:00:00.50Z"' in written


def test_long_dotted_key_is_reported_without_parsing_it(rules_of):
    """Tomllib would take quadratic time for it."""
    assert rules_of(read_toml, b".".join([b"a"] * 1_000_000) + b" = 1", file="a.toml") == ["not-toml"]
