"""What is damaged in a file: it is counted while the rest is read, and told in a line."""

from __future__ import annotations

from dataclasses import dataclass, field

EARLY = 0.5
"""Seconds by which a file may be shorter than its header says."""


@dataclass
class Damage:
    """Counts of what could not be decoded; filled while a file is read.

    Attributes:
        parts: "video" or "audio" to the number of packets that were skipped, and of frames with damage.
        stated: seconds that a header names, of a file that ends earlier; else 0.
        found: seconds that are there, of such a file.
        jumps: number of resets and leaps of the timestamps that were closed.
    """

    parts: dict[str, int] = field(default_factory=dict)
    stated: float = 0.0
    found: float = 0.0
    jumps: int = 0

    def count(self, kind: str) -> None:
        """Count a damaged packet or frame of "video" or "audio"."""
        self.parts[kind] = self.parts.get(kind, 0) + 1

    def compare_ends(self, stated: float, found: float) -> None:
        """Note that a file ends early, if it does.

        Args:
            stated: seconds that the header names; 0 if it names none.
            found: seconds to the end of the last packet.
        """
        if stated - found > max(EARLY, self.stated - self.found):
            self.stated, self.found = stated, found

    def notes(self, name: str) -> tuple[str, ...]:
        """What the user should know, one line each; nothing of a whole file.

        Args:
            name: of the file.
        """
        lines = [
            f"{name} is damaged: {count} {kind} packet{'s' * (count != 1)} skipped or decoded with faults"
            for kind, count in sorted(self.parts.items(), reverse=True)
        ]
        if self.stated:
            lines.append(
                f"{name} ends early: its header says {self.stated:.1f} s, {self.found:.1f} s are there; "
                "the rest is missing"
            )
        if self.jumps:
            steps = "once" if self.jumps == 1 else f"{self.jumps} times"
            lines.append(f"the clock of {name} jumps {steps}; time goes on where it was")
        return tuple(lines)
