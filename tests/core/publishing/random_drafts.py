"""Random drafts of title 1."""

import msgspec
from hypothesis import strategies as st

from tests.factories import achievement, draft

DRAFTS = st.builds(
    lambda made, texts, kind: msgspec.structs.replace(draft(1, tuple(made), kind=kind), texts=texts),
    st.lists(
        st.builds(achievement, st.integers(1, 4), display_order=st.integers(0, 1), is_secret=st.booleans()),
        unique_by=lambda item: item.number,
        max_size=3,
    ).map(lambda made: sorted(made, key=lambda item: item.number)),
    st.dictionaries(
        st.sampled_from(["en-US", "fr-FR"]),
        st.dictionaries(st.sampled_from(["title/name", "string/1"]), st.sampled_from(["a", "b"]), min_size=1),
    ),
    st.sampled_from(["Game", "LiveApp"]),
)
