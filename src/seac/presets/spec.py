"""ModelSpec: the specification of a model, shared by ``seac.load``, all jobs and all commands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from seac.associate.views import ViewSettings
from seac.classify.vocabulary import looks_like_file, parse, vocabulary_of
from seac.core.errors import InputError, unknown
from seac.presets.table import PARTS, Preset, checked_settings, choose
from seac.settings import Settings

DEVICES = ("cpu", "cuda", "cuda:1", "mps")
PLAYER_HEADS = ("learned", "learned-players")
"""Sounding heads that can join players, the last one joins them."""
DEVICE = re.compile(r"(cpu|mps|cuda)(:\d+)?")
RENAMED = {"associate": "association_method", "association": "association_weights"}
"""Keywords of earlier versions, and their present names."""


class FrozenMapping(dict[str, Any]):
    """An immutable dictionary, so that its owner is hashable."""

    def _refuse(self, *given: Any, **named: Any) -> NoReturn:
        raise TypeError("a ModelSpec is immutable: make another with spec.with_options(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenMapping, (dict(self),)


@dataclass(frozen=True)
class ModelSpec:
    """A preset and the changes to it. Values are checked on construction; nothing is loaded.

    Equal specs load equal models while the files that they name are unchanged, so a spec can be a key.

    Attributes:
        preset: row of :data:`seac.presets.table.PRESETS`.
        parts: kind to row of :data:`seac.presets.table.PARTS`, for replaced parts.
        association_weights: folder or file that ``seac train`` wrote, in place of the preset's association.
        calibration: file that ``seac calibrate`` wrote; if None, the one beside ``association_weights``, or
            the shipped one.
        weights_dir: folder of local weights, searched before the cache and the public sources.
        device: "cpu", "cuda", "cuda:1", "mps"; its availability is checked on loading.
        vocabulary: class names, as a sequence, "dog,piano" or a text file; the default vocabulary if None.
        threshold: minimum probability of a sounding mask, 0 to 1; calibrated if None.
        settings: fields of :class:`seac.settings.Settings` that differ from the preset's.
        with_players: whether a person who touches a sounding instrument sounds as it does; needs the learned
            sounding head.

    Raises:
        InputError: a name is unknown, or a value is invalid.
    """

    preset: str = "tiny"
    parts: Mapping[str, str] = field(default_factory=dict)
    association_weights: Path | None = None
    calibration: Path | None = None
    weights_dir: Path | None = None
    device: str = "cpu"
    vocabulary: str | Path | tuple[str, ...] | None = None
    threshold: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    with_players: bool = False

    def __post_init__(self) -> None:
        self._set("parts", FrozenMapping(given(self.parts)))
        self._set("settings", FrozenMapping(given(self.settings)))
        for name in ("association_weights", "calibration", "weights_dir"):
            self._set(name, checked_path(name, getattr(self, name)))
        self._set("vocabulary", checked_vocabulary(self.vocabulary))
        if not isinstance(self.device, str) or DEVICE.fullmatch(self.device) is None:
            raise InputError(unknown("device", self.device, DEVICES))
        if self.threshold is not None:
            self._set("threshold", checked_threshold(self.threshold))
        self._set("with_players", bool(self.with_players))
        self.resolve()
        self.resolve_settings()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        """Equal specs have equal hashes."""
        return hash(json.dumps(self.record(), sort_keys=True))

    def resolve(self) -> Preset:
        """The preset with the replaced parts.

        Raises:
            InputError: the preset or a part is unknown, or players are asked of another sounding head.
        """
        chosen = choose(self.preset, **self.parts)
        return with_player_head(chosen) if self.with_players else chosen

    def resolve_settings(self) -> Settings:
        """The settings of the preset with the changes of this spec.

        Raises:
            InputError: a setting is unknown, or a value is invalid.
        """
        return Settings(**checked_settings(Settings, {**self.resolve().settings, **self.settings}))

    def with_options(self, **options: Any) -> ModelSpec:
        """A changed copy, by the keywords of :func:`seac.load`.

        Args:
            options: fields of this class, kinds of parts (``audio="vggish"``), and settings (``top_n=30``).
                None leaves a part or setting unchanged; None resets a file or the threshold.

        Raises:
            InputError: a keyword is unknown; the message names the nearest.
        """
        own, names = {item.name for item in fields(self)}, [item.name for item in fields(Settings)]
        for name in options:
            if name not in own and name not in PARTS and name not in names:
                known = (*own, *PARTS, *names)
                raise InputError(unknown("setting", name, known, renamed=RENAMED))
        parts = {name: value for name, value in options.items() if name in PARTS}
        settings = {name: value for name, value in options.items() if name in names}
        direct = {name: value for name, value in options.items() if name in own}
        direct["parts"] = {**self.parts, **direct.get("parts", {}), **given(parts)}
        direct["settings"] = {**self.settings, **direct.get("settings", {}), **given(settings)}
        return replace(self, **direct)

    def record(self) -> dict[str, Any]:
        """The spec as plain JSON values, with every part of the preset; :meth:`from_record` reads it."""
        return {
            **{item.name: plain(getattr(self, item.name)) for item in fields(self)},
            "parts": choose(self.preset, **self.parts).parts,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ModelSpec:
        """The spec of a :meth:`record`; other entries are ignored.

        Raises:
            InputError: the record names a preset, part or setting that no longer exists.
        """
        spec = cls(**{item.name: record[item.name] for item in fields(cls) if item.name in record})
        chosen = choose(spec.preset).parts
        return replace(spec, parts={kind: row for kind, row in spec.parts.items() if chosen.get(kind) != row})


def spec_of(model: str | ModelSpec = "tiny", **options: Any) -> ModelSpec:
    """A spec from the arguments of :func:`seac.load`.

    Raises:
        InputError: a preset or keyword is unknown.
    """
    spec = model if isinstance(model, ModelSpec) else ModelSpec(model)
    return spec.with_options(**options) if options else spec


def with_player_head(preset: Preset) -> Preset:
    """The preset with the learned sounding head that joins players.

    Raises:
        InputError: the preset has another sounding head.
    """
    if preset.sounding_head not in PLAYER_HEADS:
        raise InputError(
            f"players are joined by the learned sounding head, not by {preset.sounding_head!r}: "
            "use the preset tiny, or leave out --with-players"
        )
    return replace(preset, sounding_head=PLAYER_HEADS[-1])


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that are not None; a mapping of view settings becomes :class:`ViewSettings`."""
    found = {name: value for name, value in values.items() if value is not None}
    if isinstance(found.get("views"), Mapping):
        found["views"] = ViewSettings(**checked_settings(ViewSettings, found["views"]))
    return found


def plain(value: Any) -> Any:
    """The value of a field as a JSON value."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def checked_path(name: str, value: Any) -> Path | None:
    """Check a path or None.

    Raises:
        InputError: the value is neither.
    """
    if value is None or isinstance(value, (str, os.PathLike)):
        return Path(value) if value else None
    raise InputError(f"{name} is {value!r}: give a path")


def checked_vocabulary(value: Any) -> str | Path | tuple[str, ...] | None:
    """An immutable vocabulary: names, or the path of a file, which is read on loading.

    Raises:
        InputError: the names are invalid.
    """
    if value is None or isinstance(value, Path):
        return value
    if isinstance(value, os.PathLike):
        return Path(value)
    if isinstance(value, str):
        return value if looks_like_file(value) else parse(value).names
    if isinstance(value, Sequence):
        return vocabulary_of(list(value), "the vocabulary").names
    raise InputError('the vocabulary is no list of names: give ["dog", "piano"], "dog,piano" or a text file')


def checked_threshold(value: Any) -> float:
    """Check a probability.

    Raises:
        InputError: the value is not a number from 0 to 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        shown = f"{value:g}" if isinstance(value, (int, float)) else repr(value)
        raise InputError(f"threshold is {shown}: give a probability from 0 to 1")
    return float(value)
