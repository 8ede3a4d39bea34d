"""Captions of the audio: its activity and likeliest class."""

from __future__ import annotations

from collections.abc import Sequence

from seac.results.values import AudioSteps


def audio_caption(*, silent: bool, noise: bool, name: str | None, probability: float) -> str:
    """The audio class with its probability, or "silence" or "noise"; "audio" without a class."""
    if silent:
        return "silence"
    if noise:
        return "noise"
    return "audio" if name is None else f"audio: {name} {probability:.0%}"


def step_captions(steps: AudioSteps, audio_labels: Sequence[str]) -> tuple[str, ...]:
    """The caption of every audio step, for :attr:`seac.results.values.DecidedVideo.captions`."""
    captions = []
    for step in range(len(steps)):
        best = int(steps.sources[step, 0]) if steps.sources.shape[1] else -1
        captions.append(
            audio_caption(
                silent=bool(steps.silent[step]),
                noise=bool(steps.noise[step]),
                name=audio_labels[best] if best >= 0 else None,
                probability=float(steps.source_probabilities[step, 0]) if best >= 0 else 0.0,
            )
        )
    return tuple(captions)
