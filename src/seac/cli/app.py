"""The command line: a table of commands, each imported only when it is asked for.

Exit codes: 0 done, 2 wrong usage or input (one line says what and how to mend it), 130 interrupted (by Ctrl-C
or SIGTERM), 1 an internal error.
"""

from __future__ import annotations

import difflib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import typer

from seac._version import __version__
from seac.core.errors import InputError

DONE, INTERNAL, USAGE, INTERRUPTED = 0, 1, 2, 130

# name -> (module, function or typer app in it, help). A command is a row here and a file.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "segment": ("seac.cli.segment", "segment", "Segment and name what sounds in a video."),
    "evaluate": ("seac.cli.evaluate", "evaluate", "Score a model or predictions on a benchmark."),
    "calibrate": ("seac.cli.calibrate", "calibrate", "Fit when a mask is said to sound."),
    "data": ("seac.cli.data", "app", "Check the files of a benchmark."),
    "extract": ("seac.cli.extract", "extract", "Write frozen features into a store; resumable."),
    "store": ("seac.cli.store", "app", "Look into a feature store."),
    "train": ("seac.cli.train", "train", "Train the association on a feature store; resumable."),
    "ablate": ("seac.cli.ablate", "ablate", "Train and compare variants of the method."),
    "weights": ("seac.cli.weights", "app", "List, get and verify weights."),
    "doctor": ("seac.cli.doctor", "doctor", "Say what this machine can run."),
    "profile": ("seac.cli.profile", "profile", "Speed by stage against a plain implementation."),
}


def available() -> tuple[str, ...]:
    """Names of the commands that are there."""
    return tuple(name for name, (module, _, _) in COMMANDS.items() if find_spec(module) is not None)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"seac {__version__}")
        raise typer.Exit


def application(chosen: str | None = None) -> typer.Typer:
    """The whole command line with only ``chosen`` imported; the others are there for the help text."""
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
    """Run the command line; never raises for what a user can mend.

    Returns:
        the exit code.
    """
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    if first is not None and first not in available():
        near = difflib.get_close_matches(first, available(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return _refused(f"no command {first!r}: {hint}choose from {', '.join(available())}")
    try:
        code = application(first)(args=list(arguments), standalone_mode=False)
        return _interrupted() if code == INTERRUPTED else code if isinstance(code, int) else DONE
    except InputError as error:
        return _refused(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:  # the reader of our output has gone; there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        message: Callable[[], str] | None = getattr(error, "format_message", None)
        if message is None:  # not a usage error of typer's: an internal one, whose traceback is wanted
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message())
            return USAGE
        return _refused(f"{' '.join(message().split())}; see seac {first or ''} --help".replace("  ", " "))


def main() -> NoReturn:
    """Entry point of the program ``seac``; to be told to end is as good as Ctrl-C, so drafts are removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def _refused(line: str) -> int:
    sys.stderr.write(f"error: {line}\n")
    return USAGE


def _interrupted() -> int:
    sys.stderr.write("interrupted: nothing half-written was left\n")
    return INTERRUPTED


def _not_imported() -> None:
    raise AssertionError("a command that was not asked for has been called")
