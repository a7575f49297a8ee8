"""The command `laurel`: a group whose commands are imported when they are run, so that each starts fast."""

import importlib
from collections.abc import Mapping

import click
from click.core import Command, Context

_COMMANDS: Mapping[str, str] = {
    "demo": "serve:demo",
    "serve": "serve:serve",
    "migrate": "serve:migrate",
    "token": "token:token",
    "catalog": "catalog:catalog",
    "key": "key:key",
    "client": "client:client",
    "webhook": "webhook:webhook",
    "player": "player:player",
    "doctor": "player:doctor",
    "restored": "restored:restored",
    "progress": "progress:progress",
    "badge": "badge:badge",
}
"""Command name → module of this package and the name of the click command in it."""


class _LazyGroup(click.Group):
    """A group that imports the module of a command when it is needed."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command of that name, None if there is none."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(f"service.cli.{module}"), name)
        return command if isinstance(command, Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="laurel", message="%(version)s")
def main() -> None:
    """Laurel: an Xbox-style, paged, localized achievements service.

    Settings are read from LAUREL_* environment variables; the documentation lists them all.
    """
