"""The frozen encoders of a training store: for mixtures, for text space, and for benchmarks."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seac.associate.model import AssociationModule
from seac.associate.trained import FILE, write
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.core.types import version_of
from seac.encoders.base import AudioEncoder
from seac.features.batch import TrainingStore
from seac.pipeline import SeAC
from seac.presets.spec import ModelSpec
from seac.training.config import TrainingConfig


@dataclass(frozen=True)
class Networks:
    """The frozen encoders of a store.

    Attributes:
        spec: the store's preset, with the parts that were replaced for the store.
    """

    spec: ModelSpec = ModelSpec()

    def audio(self, store: TrainingStore) -> AudioEncoder:
        """Load the audio encoder of a store's windows, for mixtures.

        Raises:
            InputError: the audio encoder of the spec differs from the store's.
        """
        from seac.presets.load import Assembly

        encoder: AudioEncoder = Assembly(self.spec).part("audio")
        stored_version, here = store.provenance.get("audio"), version_of(encoder)
        if (stored_version is not None and stored_version != here) or encoder.dim != store.audio_dim:
            raise InputError(
                f"the store's windows were encoded by {stored_version}, not {here}: name the encoder "
                "with --audio-encoder, extract again, or --set mixing=0"
            )
        if encoder.sample_rate != store.sample_rate:
            raise InputError(
                f"the store's audio has {store.sample_rate} Hz, {here} takes {encoder.sample_rate}"
            )
        return encoder

    def text_space(self, config: TrainingConfig) -> ZeroShot | None:
        """Text space of the encoders, if the module's input or its similarity takes it.

        Raises:
            InputError: the encoders have no classes.
        """
        if not config.text_components and not config.zero_shot_weight:
            return None
        from seac.presets.load import Assembly

        zero_shot: ZeroShot = Assembly(self.spec).part("zero_shot")
        return zero_shot

    def model(self, store: TrainingStore, config: TrainingConfig, names: list[str] | None) -> SeAC:
        """Load the model of a store, with an untrained association.

        Args:
            store: provenance of the store; it records whether both views are exact.
            config: of the training.
            names: vocabulary; None for the default.

        Raises:
            InputError: the encoders differ from the store's.
        """
        from seac.presets.load import load

        exact = store.provenance.get("exact")
        settings: dict[str, Any] = {} if exact is None else {"exact": exact.lower() == "true"}
        grid = config.variant == "grid" and "segmenter" not in self.spec.parts
        module = AssociationModule(
            config.association(store.mask_dim, store.audio_dim, self.text_space(config))
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / FILE
            write(module, path, store.provenance)
            return load(
                self.spec,
                vocabulary=names,
                association_weights=path,
                segmenter="grid" if grid else None,
                top_n=config.n_masks,
                **settings,
            )
