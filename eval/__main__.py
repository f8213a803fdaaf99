"""`python -m eval`: ask a set of questions, judge how passages are cut, or measure speed and memory."""

import sys

import typer

from eval import bench, chunking, questions
from index.errors import FootnoteError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("questions")(questions.main)
app.command("chunking")(chunking.main)
app.command("bench")(bench.main)

if __name__ == "__main__":
    try:
        app()
    except FootnoteError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
