"""Figure 1 of the paper on a page: segment, associate, classify.

:meth:`SeAC.encode_image` and :meth:`SeAC.encode_audio` run the networks, once per image and per waveform;
:meth:`SeAC.predict` is cheap and joins their values. Videos: :class:`seac.video.predictor.VideoPredictor`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seac.associate.aggregate import minmax, paint_masks
from seac.associate.embed import crop_embeddings, embed_masks
from seac.classify.base import VocabularyClassifier
from seac.classify.semantic import semantic_mask
from seac.classify.vocabulary import Vocabulary
from seac.core.result import FrameResult, build_result
from seac.core.tracks import UNTRACKED, FrameTracks
from seac.core.types import Decision, EncodedAudio, EncodedImage
from seac.decision.activity import summarise
from seac.decision.sounding import decide
from seac.encoders.audio.windows import encode_windows
from seac.media.image import as_image, get_image_size
from seac.media.waveform import as_waveform
from seac.segment.base import best_of
from seac.settings import Settings
from seac.stages import Stages


class SeAC:
    """Segments and names the sounding objects of an image, given the audio."""

    def __init__(self, stages: Stages, vocabulary: Vocabulary, settings: Settings | None = None) -> None:
        self.stages, self.vocabulary, self.settings = stages, vocabulary, settings or Settings()
        self.classifier = VocabularyClassifier(vocabulary.names, stages.text, stages.classifier)

    def __call__(self, image: Any, waveform: Any, sample_rate: int) -> FrameResult:
        """The result for one image and its audio; arguments of the two methods below."""
        return self.predict(self.encode_image(image), self.encode_audio(waveform, sample_rate))

    @torch.inference_mode()
    def encode_image(self, image: Any, original_size: tuple[int, int] | None = None) -> EncodedImage:
        """Masks of everything in the image (stage 1) and their embeddings (Eq. 1-3).

        Args:
            image: PIL image, array (H, W, 3) or tensor (3, H, W); see :func:`seac.media.image.as_image`.
            original_size: (height, width) if the image was scaled down before.

        Raises:
            InputError: not an image.
        """
        stages, settings = self.stages, self.settings
        pixels = as_image(image, settings.max_side)
        proposals = best_of(stages.segmenter, pixels, settings.top_n)
        embeddings = embed_masks(  # Eq. 1-2
            pixels, proposals.masks, proposals.boxes, stages.vision, settings.views, exact=settings.exact
        )
        text_embeddings = stages.to_text_space(embeddings).cpu()  # Eq. 3
        size = original_size or get_image_size(image)
        return EncodedImage(pixels, size, proposals, embeddings, text_embeddings)

    @torch.inference_mode()
    def encode_audio(self, waveform: Any, sample_rate: int, moment: float | None = None) -> EncodedAudio:
        """Embeddings of the windows of a waveform, and whether the audio is active.

        Args:
            waveform: array or tensor (S,) or (C, S); see :func:`seac.media.waveform.as_waveform`.
            sample_rate: Hz, 4,000 to 192,000.
            moment: seconds; if given, the tenths of a second there decide on silence.

        Raises:
            InputError: not a waveform.
        """
        encoder, rate = self.stages.audio, self.stages.audio.sample_rate
        samples = as_waveform(waveform, sample_rate, rate)
        features = encode_windows(samples, encoder)
        summary = summarise(samples, rate, features, encoder.labels, self.stages.calibration, moment)
        return EncodedAudio(features, summary)

    @torch.inference_mode()
    def predict(
        self, image: EncodedImage, audio: EncodedAudio, time: float = 0.0, tracks: FrameTracks = UNTRACKED
    ) -> FrameResult:
        """Similarity, decision and heatmap (stage 2, Eq. 4), and classes (stage 3, Eq. 5).

        Args:
            image: from :meth:`encode_image`.
            audio: from :meth:`encode_audio`.
            time: seconds in the video.
            tracks: the masks' tracks in a video.
        """
        masks, settings, inactive = image.proposals.masks, self.settings, audio.summary.inactive
        similarity = self.stages.association(image.embeddings, audio.features).float().cpu()
        head = self.stages.sounding_head
        logits = head.logits(similarity, image, audio, settings.objectness)
        logits = head.join(tracks.smooth(logits, inactive=inactive)[None], image)[0]
        temperature, calibration = settings.softmax_temperature, self.stages.calibration
        decision = decide(logits, calibration, temperature, absolute=head.absolute, inactive=inactive)
        scaled = (decision.scores if decision.absolute else minmax(decision.scores)) * (not inactive)
        heatmap = paint_masks(scaled, masks)  # Eq. 4
        labels = self.classify(image, audio, decision.sounding | (scaled > settings.sigma), decision, tracks)
        semantic = semantic_mask(labels, scaled, masks, settings.sigma)  # Eq. 5
        names, ids = ("background", *self.vocabulary.names), tracks.ids(len(masks))
        return build_result(image, audio, similarity, decision, heatmap, semantic, labels, names, ids, time)

    @torch.inference_mode()
    def classify(
        self, image: EncodedImage, audio: EncodedAudio, active: Tensor,
        decision: Decision | None = None, tracks: FrameTracks = UNTRACKED,
    ) -> Tensor:  # fmt: skip
        """Class of every mask (N,) int64 from 0 (Eq. 5); of masks ``active`` (N,) bool, the audio counts."""
        views, encoder, exact = self.settings.views, self.stages.vision, self.settings.exact
        probability = None if decision is None else decision.probability
        return self.classifier(
            image, audio.features, active,
            lambda rows: crop_embeddings(image, rows, encoder, views, exact=exact), tracks, probability,
        )  # fmt: skip
