"""`python -m eval`: ask a set of questions, report, compare and gate what came of it, calibrate, measure."""

import sys

import typer

try:
    from eval import bench, benchmark, calibrate, compare, gate, learn, report, run
except ModuleNotFoundError as missing:
    sys.exit(
        f"The evaluation needs {missing.name}, which is not installed; install what it needs with: "
        f"{sys.executable} -m pip install --constraint requirements.lock --editable '.[eval]'"
    )
from index.errors import FootnoteError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for module in (run, report, compare, gate, calibrate, benchmark, bench, learn):
    app.command(module.__name__.rpartition(".")[2])(module.main)

if __name__ == "__main__":
    try:
        app()
    except FootnoteError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
