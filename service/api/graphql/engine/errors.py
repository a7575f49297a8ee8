"""Errors that end a GraphQL request before or instead of its execution."""

from collections.abc import Sequence

from graphql import GraphQLError

from service.errors import LaurelError


class InvalidRequest(Exception):
    """A request that cannot be executed. `errors` are members of the response; `code` is theirs if they have none."""

    def __init__(self, errors: Sequence[GraphQLError], *, code: str) -> None:
        super().__init__(code)
        self.errors = [
            {**error.formatted, "extensions": {"code": code, **(error.extensions or {})}} for error in errors
        ]


class AccessDenied(Exception):
    """A request none of whose root fields the caller may read; `errors` are the reasons, in their order."""

    def __init__(self, errors: Sequence[LaurelError]) -> None:
        super().__init__()
        self.errors = errors


class LimitExceeded(GraphQLError):
    """A document that is larger or costlier than a limit."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "COMPLEXITY_LIMIT"})


class FallbackToExecutor(Exception):
    """A query, or a value in its result, that a compiled query leaves to graphql-core."""
