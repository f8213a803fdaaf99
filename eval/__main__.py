"""`python -m eval`: ask a set of questions, report, compare and gate what came of it, calibrate, measure.

Exit codes: 1, a gate is red; 2, what was asked for cannot be done; 130, interrupted.
"""

import sys

import typer

from index.errors import FootnoteError

CANNOT, INTERRUPTED = 2, 130

try:
    from eval import bench, benchmark, calibrate, compare, feedback, gate, proof, reading, report, run
except ModuleNotFoundError as missing:
    typer.echo(
        f"The evaluation needs {missing.name}, which is not installed; install what it needs with: "
        f"{sys.executable} -m pip install --constraint requirements.lock --editable '.[eval]'",
        err=True,
    )
    sys.exit(CANNOT)
except KeyboardInterrupt:
    sys.exit(INTERRUPTED)

app = typer.Typer(
    help="Ask a set of questions, report, compare and gate what came of it, calibrate, measure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (run, report, compare, gate, feedback, calibrate, proof, reading, benchmark, bench):
    app.command(module.__name__.rpartition(".")[2])(module.main)

if __name__ == "__main__":
    try:
        app()
    except FootnoteError as error:
        typer.echo(str(error), err=True)
        sys.exit(CANNOT)
