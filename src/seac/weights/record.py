"""What the table says of one set of weights: its files, where they come from, under what licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Hub:
    """A repository of the Hugging Face hub.

    Attributes:
        repo: ``owner/name``.
        revision: branch, tag or commit.
    """

    repo: str
    revision: str = "main"

    @property
    def page(self) -> str:
        """Where a person fetches the files by hand."""
        return f"{HUB}/{self.repo}/tree/{self.revision}"


@dataclass(frozen=True)
class Url:
    """One file at a public address; ``page`` is where a person reads about it."""

    url: str
    page: str


@dataclass(frozen=True)
class ByHand:
    """A page from which only a person can fetch the file (a shared drive, a form)."""

    page: str


@dataclass(frozen=True)
class OwnTraining:
    """What nobody publishes: it is trained with seac, by ``command``."""

    command: str

    @property
    def page(self) -> str:
        """What a person does to have it."""
        return self.command


@dataclass(frozen=True)
class Package:
    """Files inside an installed Python package.

    Attributes:
        distribution: what pip installs; empty for files that ship with seac itself.
        module: the importable package that holds the files; it is never imported.
        folder: where in it they are.
    """

    distribution: str
    module: str
    folder: str = ""

    @property
    def page(self) -> str:
        """How a person gets the files."""
        return f"pip install {self.distribution}" if self.distribution else "part of seac"


Source = Hub | Url | ByHand | OwnTraining | Package


@dataclass(frozen=True)
class File:
    """One file of a record.

    Attributes:
        name: its name, as published; a relative path with ``/``.
        size: bytes; exact where ``exact``, otherwise four bytes per parameter of the network.
        sha256: 64 hexadecimal digits; a shorter text is the digest's known beginning; empty is unknown,
            and then the digest that the server announces or the first download has is kept.
        exact: whether ``size`` is the published file's own.
    """

    name: str
    size: int
    sha256: str = ""
    exact: bool = False

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"file name {self.name!r}: use a relative path inside the record")


@dataclass(frozen=True)
class Record:
    """One set of weights.

    Attributes:
        name: what a preset, the command line and the cache folder call it.
        summary: what it is, in a few words.
        files: what belongs to it.
        source: where it comes from.
        licence: SPDX name where there is one; "see page" where the publisher states none that we could check.
        presets: the presets whose default parts need it.
        part: which part it plays: boxes, masks, vision, text, audio, association.
    """

    name: str
    summary: str
    files: tuple[File, ...]
    source: Source
    licence: str
    presets: tuple[str, ...]
    part: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def exact(self) -> bool:
        """Whether every size is the published one."""
        return all(file.exact for file in self.files)

    def address(self, file: File, mirror: str = "") -> str:
        """Where ``file`` is fetched from.

        Args:
            file: one of this record's.
            mirror: base address that replaces the public home: hub files keep their path
                (``MIRROR/owner/name/resolve/revision/file``), others are ``MIRROR/record/file``.
        """
        mirror = mirror.rstrip("/")
        if isinstance(self.source, Hub):
            return f"{mirror or HUB}/{self.source.repo}/resolve/{self.source.revision}/{file.name}"
        if isinstance(self.source, Url):
            return f"{mirror}/{self.name}/{file.name}" if mirror else self.source.url
        if isinstance(self.source, ByHand | OwnTraining) and mirror:
            return f"{mirror}/{self.name}/{file.name}"
        raise ValueError(f"{self.name} has no address: see {self.source.page}")
