"""The command line: a table of commands; a command is imported on use.

Exit codes: 0 done, 2 wrong usage or input (one line gives the error and its fix), 130 interrupted (by Ctrl-C
or SIGTERM), 1 an internal error.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import typer

from seac._version import __version__
from seac.core.errors import InputError, nearest, unknown
from seac.core.text import printable

DONE, INTERNAL, USAGE, INTERRUPTED = 0, 1, 2, 130

# Name -> (module, function or typer app in it, help).
COMMANDS: dict[str, tuple[str, str, str]] = {
    "segment": ("seac.cli.segment", "segment", "Segment and classify the sounding objects of a video."),
    "decide": ("seac.cli.decide", "decide", "Decide again about a segmented video, without its networks."),
    "export": ("seac.cli.export", "export", "Write formats of annotation and editing programs."),
    "app": ("seac.cli.page", "app", "Open the page: segment, look, edit and export in the browser."),
    "serve": ("seac.cli.serve", "serve", "Segment videos over HTTP: jobs, results, exports."),
    "evaluate": ("seac.cli.evaluate", "evaluate", "Score a model or predictions on a benchmark."),
    "compare": ("seac.cli.compare", "compare", "Compare evaluations of the same clips in one table."),
    "calibrate": ("seac.cli.calibrate", "calibrate", "Fit the decision threshold of sounding masks."),
    "data": ("seac.cli.data", "app", "Check the files of a benchmark."),
    "extract": ("seac.cli.extract", "extract", "Write frozen features into a store; resumable."),
    "store": ("seac.cli.store", "app", "Inspect a feature store."),
    "train": ("seac.cli.train", "train", "Train the association on a feature store; resumable."),
    "ablate": ("seac.cli.ablate", "ablate", "Train and compare variants of the method."),
    "weights": ("seac.cli.weights", "app", "List, get and verify weights."),
    "doctor": ("seac.cli.doctor", "doctor", "Report what this machine can run."),
    "profile": ("seac.cli.profile", "profile", "Speed by stage against a reference implementation."),
}


def available() -> tuple[str, ...]:
    """Names of the installed commands."""
    return tuple(name for name, (module, _, _) in COMMANDS.items() if find_spec(module) is not None)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"seac {__version__}")
        raise typer.Exit


def application(chosen: str | None = None) -> typer.Typer:
    """The command line; only ``chosen`` is imported, the other commands have their help text only."""
    app = typer.Typer(
        name="seac",
        help="The pixels of what you hear: segment, associate, classify.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False, "--version", callback=show_version, is_eager=True, help="Print the version."
        ),
    ) -> None:
        pass

    for name in available():
        module, member, text = COMMANDS[name]
        if name != chosen:
            app.command(name, help=text)(_not_imported)
            continue
        found: Any = getattr(import_module(module), member)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, help=text)
        else:
            app.command(name)(found)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run the command line; errors that a user can fix are printed and not raised.

    Returns:
        the exit code.
    """
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    if first is not None and first not in available():
        return _refused(unknown("command", first, available(), renamed={"benchmark": "profile"}))
    try:
        code = application(first)(args=list(arguments), standalone_mode=False)
        return _interrupted() if code == INTERRUPTED else code if isinstance(code, int) else DONE
    except InputError as error:
        return _refused(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except MemoryError:
        return _refused(
            "not enough memory: give the program more, or smaller images and fewer workers; "
            "`seac doctor` prints how much there is"
        )
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        message: Callable[[], str] | None = getattr(error, "format_message", None)
        if message is None:  # an internal error and not a usage error of typer: keep the traceback
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message())
            return USAGE
        return _refused(f"{_option(error) or ' '.join(message().split())}; see {_command(first)} --help")


def main() -> NoReturn:
    """Entry point of ``seac``.

    SIGTERM acts as Ctrl-C, so that temporary files are removed.
    """
    # Threads of OpenMP that wait give their core back: where another program keeps a core busy, threads that
    # spin at every barrier cost many times their work. It is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def _refused(line: str) -> int:
    sys.stderr.write(f"error: {printable(line)}\n")
    return USAGE


def _interrupted() -> int:
    sys.stderr.write("interrupted: nothing half-written was left\n")
    return INTERRUPTED


def _option(error: Exception) -> str:
    """One line for an unknown option, with the nearest option; empty for another error."""
    from seac.cli.options import RENAMED

    given = str(getattr(error, "option_name", ""))
    if type(error).__name__ != "NoSuchOption":
        return ""
    near = nearest(given, getattr(error, "possibilities", None) or ())
    hint = f"it is {RENAMED[given]} now" if given in RENAMED else f"did you mean {near}?" if near else ""
    return f"no option {given}{': ' * bool(hint)}{hint}"


def _command(name: str | None) -> str:
    return f"seac {name}" if name else "seac"


def _not_imported() -> None:
    raise AssertionError("a command that was not chosen has been called")
