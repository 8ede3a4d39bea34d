from __future__ import annotations

from dataclasses import fields, replace

import pytest

from seac.core.errors import InputError
from seac.training.config import LIMITS, RECIPES, TrainingConfig, checked, configured, differing


def test_defaults_are_the_papers_numbers() -> None:
    config = configured("paper")
    assert (config.lr, config.weight_decay, config.epochs, config.batch) == (1e-4, 0.01, 30, 128)
    assert (config.mixing, config.group, config.lam, config.depth, config.d) == (0.5, 2, 0.6, 4, 128)
    assert config.n_masks == 50
    assert not config.every_frame


def test_every_number_can_be_set_with_the_type_it_has() -> None:
    config = configured("paper", ["lr=3e-4", "epochs = 7", "every_frame=yes", "width=64", "variant=grid"])
    assert config == replace(TrainingConfig(), lr=3e-4, epochs=7, every_frame=True, width=64, variant="grid")
    assert configured("tiny", ["width=none"]).width is None


def test_a_users_setting_takes_precedence_over_the_recipe() -> None:
    assert RECIPES["tiny"]["width"] == configured("tiny").width != 32
    assert configured("tiny", ["width=32"]).width == 32


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lr", "--set lr: give NAME=VALUE"),
        ("epoch=3", "unknown setting 'epoch': did you mean 'epochs'?"),
        ("epochs=3.5", "epochs=3.5: give a whole number"),
        ("lr=fast", "lr=fast: give a number"),
        ("lr=0", "lr=0: give a number above 0 and below 1"),
        ("lr=nan", "lr=nan: give a number above 0"),
        ("batch=1", "batch=1: give a number from 2"),
        ("every_frame=perhaps", "every_frame=perhaps: give true or false"),
        ("variant=masks2", "unknown variant 'masks2': did you mean 'masks'?"),
        ("precision=16", "unknown precision '16'"),
        ("loss=msamicl", "unknown loss 'msamicl': did you mean 'msa-micl'?"),
        ("width=30", "width=30 is no multiple of heads=8"),
    ],
)
def test_an_error_is_one_line(setting: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        configured("paper", [setting])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits_and_recipes_name_fields() -> None:
    names = {item.name for item in fields(TrainingConfig)}
    assert set(LIMITS) <= names
    assert all(set(recipe) <= names for recipe in RECIPES.values())
    assert checked(TrainingConfig()) == TrainingConfig()


def test_differences_are_described() -> None:
    assert differing({"lr": 2, "d": 1}, {"lr": 1, "d": 1}) == "lr 1 there, 2 here"
    assert differing({"d": 1}, {"d": 1}) == ""
