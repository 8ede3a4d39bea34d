"""Options that several commands have: each is said once, so that it means the same everywhere.

Those of the model are one table, from which :func:`command` gives a command its own; what was said becomes a
:class:`~seac.presets.spec.ModelSpec`. Help is grouped: input, model, decision, run, output.
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

BENCHMARKS = ", ".join((*list_parts("benchmark"), "robustness"))
Benchmark = Annotated[str, typer.Argument(help=f"{BENCHMARKS}.")]
Folder = Annotated[Path, typer.Argument(help="The folder of its metadata file.", metavar="DIR")]
Store = Annotated[Path, typer.Argument(help="A feature store that seac extract wrote.")]
Split = Annotated[str, InputOption(help="Which split: train, val, test, all, as far as there are.")]
Limit = Annotated[int | None, InputOption(help="The first N clips only.", metavar="N")]
Fps = Annotated[float, InputOption(help="Frames per second.")]
Window = Annotated[float | None, InputOption(help="Seconds of audio around each frame.")]
Preset = Annotated[str | None, ModelParameter(help="The store's, as a check; may be left out.")]
Numbers = Annotated[
    list[str] | None, RunOption("--set", help="Any number of the run, as lr=3e-4.", metavar="NAME=VALUE")
]
Seed = Annotated[int, RunOption(help="Of all that is drawn.")]
Again = Annotated[bool, OutputOption("--again", help="Do again what is finished already.")]
AsJson = Annotated[bool, OutputOption("--json", help="End standard output with a line of JSON.")]


@dataclass(frozen=True)
class ModelOption:
    """A row of the table.

    Attributes:
        help: what it is; ``{}`` stands for the choices.
        keyword: of :func:`seac.load`.
        annotation: its type; with typer's option where a command has it elsewhere too.
        default: None leaves it to the preset.
        panel: of the help.
    """

    help: str
    keyword: str
    annotation: Any = str | None
    default: Any = None
    panel: str = MODEL

    def parameter(self, name: str) -> Parameter:
        """It as a parameter of a command, which typer reads."""
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
    "preset": ModelOption("Which networks: {}.", "preset", str, "tiny"),
    "segmenter": ModelOption("Swap the segmenter: {}.", "segmenter"),
    "detector": ModelOption("Swap the detector that prompts it: {}.", "detector"),
    "vision": ModelOption("Swap the image encoder: {}.", "vision"),
    "audio_encoder": ModelOption("Swap the audio encoder: {}.", "audio"),
    "text": ModelOption("Swap the text encoder: {}.", "text"),
    "association_method": ModelOption("Swap the association: {}.", "association_method"),
    "association_weights": ModelOption("What seac train wrote.", "association_weights", PATH),
    "classifier": ModelOption("Swap the classification of masks: {}.", "classifier"),
    "top_n": ModelOption("Masks per frame.", "top_n", COUNT),
    "exact": ModelOption("Eq. 1-3 to the letter; slower.", "exact", bool, default=False),
    "weights_dir": ModelOption("A folder of weights of your own.", "weights_dir", PATH),
    "device": ModelOption("cpu, cuda, cuda:1 or mps.", "device", str, "cpu"),
    "vocabulary": ModelOption('Class names: a text file, or "dog,piano".', "vocabulary", panel=DECISION),
    "threshold": ModelOption(
        "Least probability at which a mask sounds.", "threshold", NUMBER, panel=DECISION
    ),
    "calibration": ModelOption(
        "What seac calibrate wrote; found beside --association-weights.", "calibration", PATH, panel=DECISION
    ),
}
"""The model's options, by parameter; ``seac.load`` has each as a keyword."""

FROZEN = (
    *("preset", "segmenter", "detector", "vision", "audio_encoder", "top_n", "exact"),
    *("weights_dir", "device"),
)
"""Those of extraction, which needs neither text nor association."""
STORED = ("segmenter", "vision", "audio_encoder", "weights_dir", "device")
"""Those of training: parts that were swapped for the store, and where they run."""
WHOLE = tuple(MODEL_OPTIONS)
SCORED = tuple(name for name in WHOLE if name not in ("window", "vocabulary", "threshold"))
"""Those of a model that is scored: the benchmark has classes, protocols have thresholds."""
RENAMED = {
    "--associate": "--association-method",
    "--association": "--association-weights",
}
"""Options of earlier versions, and what they are called now."""


Work = Callable[..., Any]
"""What a command does once all that was said is checked; it is called with ``as_json``."""


def command(*names: str) -> Callable[[Callable[..., Work]], Callable[..., None]]:
    """A command: its own parameters, options of the model, and ``--json``.

    The function gets what was said, that of the model as ``model``, and gives the work, which is then done.

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
    """A command's own parameters, those of the table, and ``--json``, panel by panel."""
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
    """What was said of the model, by parameter.

    Raises:
        InputError: a name that is in no table, or a value that is none.
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
    """Refuse a window that no audio has.

    Raises:
        InputError: it is shorter than a tenth of a second, or longer than a minute.
    """
    if window is not None and not 0.1 <= window <= 60:
        raise InputError(f"--window is {window:g}: give seconds from 0.1 to 60")


def check_counts(counts: Mapping[str, int | None]) -> None:
    """Refuse numbers of things, by the option that gives them, of which there must be one.

    Raises:
        InputError: one is below 1; None was not given.
    """
    for option, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{option} is {count}: give at least 1")
