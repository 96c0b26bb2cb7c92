"""The commands of `alertbox`, one file each. They talk to the person; what they do is elsewhere."""

from typing import Any

import click

from alertbox import texts
from alertbox.errors import UserError


class Command(click.Command):
    """A command whose user's mistakes end in one sentence and exit status 1.

    Its epilogue keeps its lines, so that the examples in it can be copied.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(str(error)) from error

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


def _choose(_ctx: click.Context, _parameter: click.Parameter, language: str | None) -> None:
    texts.choose(language)


language_option = click.option(
    "--lang",
    type=click.Choice(texts.LANGUAGES),
    callback=_choose,
    expose_value=False,
    is_eager=True,
    help="Language of the messages (default: the environment's).",
)
