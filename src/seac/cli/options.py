"""Options that several commands share, each defined once.

Options of the model are one table, from which :func:`command` adds options to a command. Their values
become a :class:`~seac.presets.spec.ModelSpec`. Help is grouped: input, model, decision, run, output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from seac.core.errors import InputError
from seac.presets.spec import ModelSpec
from seac.presets.table import list_parts, list_presets

INPUT, MODEL, DECISION, RUN, OUTPUT = PANELS = ("Input", "Model", "Decision", "Run", "Output")
InputOption = partial(typer.Option, rich_help_panel=INPUT)
ModelParameter = partial(typer.Option, rich_help_panel=MODEL)
DecisionOption = partial(typer.Option, rich_help_panel=DECISION)
RunOption = partial(typer.Option, rich_help_panel=RUN)
OutputOption = partial(typer.Option, rich_help_panel=OUTPUT)

BENCHMARKS = ", ".join((*list_parts("benchmark"), "robustness", "avsbench-robust"))
Benchmark = Annotated[str, typer.Argument(help=f"{BENCHMARKS}.")]
Folder = Annotated[Path, typer.Argument(help="Folder of the metadata file.", metavar="DIR")]
Store = Annotated[Path, typer.Argument(help="Feature store from seac extract.")]
Split = Annotated[str, InputOption(help="Split: train, val, test or all, if available.")]
Limit = Annotated[int | None, InputOption(help="The first N clips only.", metavar="N")]
Fps = Annotated[float, InputOption(help="Frames per second.")]
Window = Annotated[float | None, InputOption(help="Seconds of audio around each frame.")]
Preset = Annotated[str | None, ModelParameter(help="Preset of the store, as a check; optional.")]
Numbers = Annotated[
    list[str] | None,
    RunOption("--set", help="Hyperparameter of the run, such as lr=3e-4.", metavar="NAME=VALUE"),
]
Seed = Annotated[int, RunOption(help="Random seed.")]
Again = Annotated[bool, OutputOption("--again", help="Repeat finished work.")]
AsJson = Annotated[bool, OutputOption("--json", help="End standard output with a line of JSON.")]


@dataclass(frozen=True)
class ModelOption:
    """A row of the table of model options.

    Attributes:
        help: help text; ``{}`` is replaced by the choices.
        keyword: keyword of :func:`seac.load`.
        annotation: type; includes typer's option if commands define the option themselves too.
        default: default value; None keeps the value of the preset.
        panel: group of the help.
    """

    help: str
    keyword: str
    annotation: Any = str | None
    default: Any = None
    panel: str = MODEL

    def parameter(self, name: str) -> Parameter:
        """The option as a parameter of a command for typer."""
        kind, text = Parameter.KEYWORD_ONLY, self.help
        if not text:
            return Parameter(name, kind, default=self.default, annotation=self.annotation)
        if "{}" in text:
            choices = list_presets() if self.keyword == "preset" else list_parts(self.keyword)
            text = text.format(", ".join(choices))
        shown = typer.Option(f"--{name.replace('_', '-')}", help=text, rich_help_panel=self.panel)
        annotated: Any = Annotated
        return Parameter(name, kind, default=self.default, annotation=annotated[self.annotation, shown])


PATH, COUNT, NUMBER = Path | None, int | None, float | None
MODEL_OPTIONS: dict[str, ModelOption] = {
    "window": ModelOption("", "audio_window", Window),
    "preset": ModelOption("Preset of networks: {}.", "preset", str, "tiny"),
    "segmenter": ModelOption("Replace the segmenter: {}.", "segmenter"),
    "detector": ModelOption("Replace the detector that prompts the segmenter: {}.", "detector"),
    "vision": ModelOption("Replace the image encoder: {}.", "vision"),
    "audio_encoder": ModelOption("Replace the audio encoder: {}.", "audio"),
    "text": ModelOption("Replace the text encoder: {}.", "text"),
    "association_method": ModelOption("Replace the association: {}.", "association_method"),
    "association_weights": ModelOption("File or folder from seac train.", "association_weights", PATH),
    "classifier": ModelOption("Replace the classifier of masks: {}.", "classifier"),
    "sounding_head": ModelOption("Replace the sounding head: {}.", "sounding_head"),
    "with_players": ModelOption(
        "A person who touches a sounding instrument sounds as it does.",
        *("with_players", bool, False, DECISION),
    ),
    "top_n": ModelOption("Masks per frame.", "top_n", COUNT),
    "exact": ModelOption("Encode both views of every mask (Eq. 1-3); slower.", "exact", bool, default=False),
    "weights_dir": ModelOption("Folder of local weights.", "weights_dir", PATH),
    "device": ModelOption("cpu, cuda, cuda:1 or mps.", "device", str, "cpu"),
    "vocabulary": ModelOption('Class names: a text file, or "dog,piano".', "vocabulary", panel=DECISION),
    "threshold": ModelOption("Minimum probability of a sounding mask.", "threshold", NUMBER, panel=DECISION),
    "calibration": ModelOption(
        "File from seac calibrate; default beside --association-weights.", "calibration", PATH, panel=DECISION
    ),
}
"""Options of the model, by parameter; each is a keyword of ``seac.load``."""

FROZEN = (
    *("preset", "segmenter", "detector", "vision", "audio_encoder", "top_n", "exact"),
    *("weights_dir", "device"),
)
"""Options of extraction, which needs neither text nor association."""
STORED = ("segmenter", "vision", "audio_encoder", "weights_dir", "device")
"""Options of training: replaced parts of the store, and the device."""
WHOLE = tuple(MODEL_OPTIONS)
SCORED = tuple(name for name in WHOLE if name not in ("window", "vocabulary", "threshold"))
"""Options of evaluation: the benchmark defines the classes, and protocols define thresholds."""
RENAMED = {
    "--associate": "--association-method",
    "--association": "--association-weights",
}
"""Options of earlier versions, and their present names."""


Work = Callable[..., Any]
"""Work of a command after all options are checked; it is called with ``as_json``."""


def command(*names: str) -> Callable[[Callable[..., Work]], Callable[..., None]]:
    """Decorator of a command: adds options of the model and ``--json`` to its own parameters.

    The function takes the values of the options, those of the model as ``model``. It returns the work,
    which the command then runs.

    Args:
        names: rows of :data:`MODEL_OPTIONS`.
    """

    def decorate(function: Callable[..., Work]) -> Callable[..., None]:
        def run(as_json: bool, **values: Any) -> None:
            chosen = {name: values.pop(name) for name in names}
            function(**values, model=spec_from(chosen))(as_json=as_json)

        run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
        run.__signature__ = Signature(parameters(function, names))  # type: ignore[attr-defined]
        return run

    return decorate


def parameters(function: Callable[..., Work], names: tuple[str, ...]) -> list[Parameter]:
    """Own parameters of a command, options of the model, and ``--json``, in the order of the panels."""
    hints, kind = get_type_hints(function, include_extras=True), Parameter.KEYWORD_ONLY
    own = [
        each.replace(annotation=hints[each.name], kind=kind)
        for each in signature(function).parameters.values()
        if each.name != "model"
    ]
    every = [*own, *(MODEL_OPTIONS[name].parameter(name) for name in names)]
    every.append(Parameter("as_json", kind, default=False, annotation=AsJson))
    return sorted(every, key=lambda each: PANELS.index(get_args(each.annotation)[1].rich_help_panel or INPUT))


def spec_from(values: Mapping[str, Any]) -> ModelSpec:
    """The spec from the values of the model options, by parameter.

    Raises:
        InputError: a name is unknown, or a value is invalid.
    """
    check_counts({"--top-n": values.get("top_n")})
    check_window(values.get("window"))
    return ModelSpec().with_options(
        **{
            MODEL_OPTIONS[name].keyword: value
            for name, value in values.items()
            if value is not None and value is not False
        }
    )


def check_window(window: float | None) -> None:
    """Check the length of an audio window.

    Raises:
        InputError: the window is shorter than 0.1 s or longer than 60 s.
    """
    if window is not None and not 0.1 <= window <= 60:
        raise InputError(f"--window is {window:g}: give seconds from 0.1 to 60")


def check_counts(counts: Mapping[str, int | None]) -> None:
    """Check counts, by option.

    Raises:
        InputError: a count is below 1; None is ignored.
    """
    for option, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{option} is {count}: give at least 1")
