from service.core.formats.entry import Entry, publishable_texts


def test_stale_and_fuzzy_texts_are_left_out_and_unknown_keys_are_errors(draft):
    entries = [
        Entry(key="achievement/8/name", locale="fr", text="a", line=1, source="Lamp Lover"),
        Entry(key="title/name", locale="fr", text="b", line=2, source="Saltglass", needs_review=True),
        Entry(key="achievement/404/name", locale="fr", text="c", line=3),
        Entry(key="achievement/1/name", locale="fr", text="", line=4),
        Entry(key="string/other", locale="fr", text="d", line=5),
        Entry(key="achievement/1/name", locale="de", text="e", line=6, source="New light"),
        Entry(key="achievement/1/name", locale="en-US", text="New light", line=7),
    ]

    texts, errors, warnings = publishable_texts(entries, draft, file="f")

    assert texts == {
        "fr": {"string/other": "d"},
        "de": {"achievement/1/name": "e"},
        "en-US": {"achievement/1/name": "New light"},
    }
    assert [(error.rule, error.line) for error in errors] == [("unknown-key", 3)]
    assert [(warning.rule, warning.line) for warning in warnings] == [("stale", 1), ("fuzzy", 2)]


def test_entry_is_stale_if_it_states_another_source():
    entry = Entry(key="title/name", locale="fr", text="a", source="Old")

    assert entry.is_stale("New")
    assert entry.is_stale(None)
    assert not entry.is_stale("Old")
    assert not Entry(key="title/name", locale="fr", text="a").is_stale("New")


def test_many_warnings_do_not_stop_the_reading(draft):
    stale = [Entry(key="title/name", locale="fr", text="a", line=line, source="Old") for line in range(1, 1002)]
    current = Entry(key="achievement/8/name", locale="fr", text="b", line=1002)

    texts, errors, warnings = publishable_texts([*stale, current], draft, file="f")

    assert (texts, errors, len(warnings)) == ({"fr": {"achievement/8/name": "b"}}, [], 1000)
