"""EfficientAT: the published architecture, released weights, and the classes of all audio encoders."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from seac.core.errors import InputError
from seac.encoders.audio.efficientat import CLASSES, LEFT_OUT, EfficientAt, kept_classes, load_efficientat
from seac.encoders.audio.mobilenet_v3 import RATE, MobileNetV3, blocks_of
from seac.encoders.audio.preemphasis_log_mel import PreemphasisLogMel
from seac.encoders.labels.descriptions import audioset_names
from tests.fixtures.checkpoints import efficientat_state, reference_efficientat
from tests.fixtures.extras import needs

MODELS = Path(os.environ.get("SEAC_SHARED", "shared")) / "models"
FILES = {0.4: "mn04_as_mAP_432.pt", 1.0: "mn10_as_mAP_471.pt"}


def noise(samples: int, count: int = 2) -> Tensor:
    return 0.1 * torch.randn(count, samples, generator=torch.Generator().manual_seed(samples))


@needs("paper")
@pytest.mark.parametrize("width", FILES)
def test_logits_equal_those_of_the_published_architecture(width: float, tmp_path: Path) -> None:
    reference = reference_efficientat(width)
    torch.save(reference.state_dict(), tmp_path / FILES[width])
    logmel = torch.randn(2, 128, 101, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = reference(logmel[:, None])
        _, logits = load_efficientat(tmp_path / FILES[width])(logmel)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    assert float(expected.std()) > 1e-3, "constant logits would make the test meaningless"


@pytest.mark.parametrize(("width", "count"), [(0.4, 983_599), (1.0, 4_876_831)])
def test_the_networks_have_the_published_number_of_weights(width: float, count: int) -> None:
    assert sum(value.numel() for value in MobileNetV3(CLASSES, width).parameters()) == count


def test_width_one_is_mobilenet_v3_large() -> None:
    assert [(block.expanded, block.channels, block.squeezed) for block in blocks_of(1.0)][-1] == (
        960,
        160,
        240,
    )


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EfficientAt:
    pytest.importorskip("torchvision")
    path = tmp_path_factory.mktemp("efficientat") / FILES[0.4]
    torch.save(efficientat_state(0.4), path)
    return EfficientAt.load(path)


def test_probabilities_are_those_of_the_shared_classes(encoder: EfficientAt, tmp_path: Path) -> None:
    torch.save(efficientat_state(0.4), tmp_path / FILES[0.4])
    windows = noise(2 * RATE)
    with torch.inference_mode():
        _, logits = load_efficientat(tmp_path / FILES[0.4])(PreemphasisLogMel()(windows))
    features = encoder(windows)
    assert features.class_probabilities is not None
    torch.testing.assert_close(
        features.class_probabilities, logits.sigmoid()[:, kept_classes()], atol=1e-4, rtol=1e-4
    )
    assert features.class_probabilities.shape == (2, len(encoder.labels)) == (2, 521)
    assert features.embeddings.shape == (2, encoder.dim) == (2, 384)


def test_a_short_clip_is_padded_to_a_second(encoder: EfficientAt) -> None:
    short = noise(RATE // 5)
    padded = nn.functional.pad(short, (0, RATE - short.shape[1]))
    torch.testing.assert_close(encoder(short).embeddings, encoder(padded).embeddings)


def test_no_windows_give_no_features(encoder: EfficientAt) -> None:
    assert encoder(torch.zeros(0, encoder.window)).embeddings.shape == (0, 384)


@needs("paper")
def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    state = efficientat_state(0.4)
    for name, content in {
        "none.pt": {"a": torch.zeros(3)},
        "less.pt": {name: value for name, value in state.items() if name != "classifier.5.bias"},
        "more.pt": {**state, "features.20.0.weight": torch.zeros(1)},
    }.items():
        torch.save(content, tmp_path / name)
        with pytest.raises(InputError, match="holds no EfficientAT") as message:
            EfficientAt.load(tmp_path / name)
        assert "\n" not in str(message.value)


def test_the_released_weights_load_and_their_classes_are_ours() -> None:
    if not (MODELS / FILES[0.4]).is_file():
        pytest.skip("needs the released weights of SEAC_SHARED")
    with (MODELS / "mn04_class_labels_indices.csv").open(encoding="utf-8", newline="") as file:
        names = [row["display_name"] for row in csv.DictReader(file)]
    assert [names[number] for number in kept_classes().tolist()] == list(audioset_names())
    assert len(names) == CLASSES == len(LEFT_OUT) + len(audioset_names())
    released = EfficientAt.load(MODELS / FILES[0.4])
    probabilities = released(torch.zeros(1, 10 * RATE)).class_probabilities
    assert probabilities is not None
    assert released.labels[int(probabilities[0].argmax())] == "Silence"
