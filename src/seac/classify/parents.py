"""Abstaining to a parent: a mask whose class is unsure, but whose group is sure, is named by the group.

"animal" is right where neither "duck" nor "goose" is sure. The groups are those of
:mod:`seac.encoders.labels.sound_sources`; the first source of a group is its name. A name is used only if the
vocabulary has it, together with at least two members of the group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from seac.classify.vocabulary import CATEGORIES
from seac.encoders.labels.sound_sources import sound_sources

UNNAMED = frozenset({"object", "nature", "person"})
"""Groups that are never named: the names of the first two say nothing about their members, and people look
alike to the class heads, so that man and woman, whom the voice tells apart, would share the evidence."""
MIN_MEMBERS = 2


@dataclass(frozen=True)
class Abstention:
    """When the group is named in place of the class.

    Attributes:
        name: share of the evidence of the best class from which the class is named.
        group: share of the evidence of appearance from which a group may be named.
        power: exponent of the evidence of classes before their shares; greater values give few classes all of
            it.
    """

    name: float
    group: float
    power: float


@dataclass(frozen=True)
class Parents:
    """The parents of a vocabulary of K names.

    Attributes:
        columns: (P,) int64, the names that are parents.
        members: (K, P) float32, 1 where a name belongs to the group of a parent; parents belong to none.
        ordinary: (K - P,) int64, the other names.
    """

    columns: Tensor
    members: Tensor
    ordinary: Tensor

    @classmethod
    def of(cls, names: Sequence[str]) -> Parents:
        """The parents of a vocabulary; there are none if it has no group with its name and members."""
        groups = [group_by_name().get(name.casefold()) for name in names]
        parents = {parent_names().get(name.casefold()): column for column, name in enumerate(names)}
        found = [
            (column, group)
            for group, column in parents.items()
            if group is not None and groups.count(group) > MIN_MEMBERS
        ]
        columns = [column for column, _ in found]
        members = torch.zeros(len(names), len(found))
        for number, (_, group) in enumerate(found):
            members[[row for row, each in enumerate(groups) if each == group], number] = 1
        members[columns] = 0
        ordinary = [column for column in range(len(names)) if column not in columns]
        return cls(torch.tensor(columns, dtype=torch.int64), members, torch.tensor(ordinary))

    @classmethod
    def none(cls, count: int) -> Parents:
        """No parents in a vocabulary of ``count`` names."""
        return cls(torch.zeros(0, dtype=torch.int64), torch.zeros(count, 0), torch.arange(count))

    def choose(self, scores: Tensor, appearance: Tensor, abstention: Abstention | None) -> Tensor:
        """Name of each mask, (n,) int64: its best ordinary name, or its parent.

        Appearance decides on the group, because audio may be of something else.

        Args:
            scores: (n, K) scores of appearance and audio, 0 for a name without evidence.
            appearance: (n, K) scores of appearance alone.
            abstention: None never names a parent.
        """
        best = self.ordinary[scores[:, self.ordinary].argmax(1)]
        if abstention is None or len(self.columns) == 0 or len(scores) == 0:
            return best
        shares = evidence_shares(scores, self.ordinary, abstention.power)
        group, which = (evidence_shares(appearance, self.ordinary, 1.0) @ self.members).max(1)
        sure = shares.gather(1, best[:, None])[:, 0] >= abstention.name
        related = self.members[best].gather(1, which[:, None])[:, 0] > 0
        return torch.where(~sure & related & (group >= abstention.group), self.columns[which], best)


def evidence_shares(scores: Tensor, ordinary: Tensor, power: float) -> Tensor:
    """Share (n, K) of each ordinary name in the evidence of a mask; 0 for the others.

    A score is the logarithm of a likelihood plus 1, so a name without evidence has no share, however many
    such names there are.
    """
    evidence = torch.zeros_like(scores, dtype=torch.float32)
    chosen = scores[:, ordinary].float()
    evidence[:, ordinary] = torch.expm1(chosen - chosen.amin(1, keepdim=True).clamp_max(0)).pow(power)
    return evidence / evidence.sum(1, keepdim=True).clamp_min(1e-12)


@lru_cache(maxsize=1)
def parent_names() -> dict[str, str]:
    """Group of each parent's name: the first source of the group."""
    found: dict[str, str] = {}
    for source in sound_sources():
        if source.group not in UNNAMED and source.group not in found.values():
            found[source.name] = source.group
    return found


@lru_cache(maxsize=1)
def group_by_name() -> dict[str, str]:
    """Group of each source, and of each other name of a category of the default vocabulary.

    Such a name is in the group of most sources of its category.
    """
    groups = {source.name: source.group for source in sound_sources()}
    found = dict(groups)
    for names in CATEGORIES.values():
        known = Counter(groups[name] for name in names if name in groups)
        if known:
            found |= {name: known.most_common(1)[0][0] for name in names if name not in groups}
    return found
