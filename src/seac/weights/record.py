"""Records of the table of weights: files, source and licence."""

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
        """Page from which the files can be downloaded manually."""
        return f"{HUB}/{self.repo}/tree/{self.revision}"


@dataclass(frozen=True)
class Url:
    """One file at a public address; ``page`` is its documentation page."""

    url: str
    page: str


@dataclass(frozen=True)
class ManualDownload:
    """A page from which the file must be downloaded manually (a shared drive, a form)."""

    page: str


@dataclass(frozen=True)
class OwnTraining:
    """Unpublished weights that the user trains with ``command``."""

    command: str

    @property
    def page(self) -> str:
        """Command that trains the weights."""
        return self.command


@dataclass(frozen=True)
class Package:
    """Files inside an installed Python package.

    Attributes:
        distribution: pip requirement; empty for files that ship with seac.
        module: importable package that holds the files; it is never imported.
        folder: folder of the files inside the package.
    """

    distribution: str
    module: str
    folder: str = ""

    @property
    def page(self) -> str:
        """Command that installs the files."""
        return f"pip install {self.distribution}" if self.distribution else "part of seac"


Source = Hub | Url | ManualDownload | OwnTraining | Package


@dataclass(frozen=True)
class File:
    """One file of a record.

    Attributes:
        name: published name; a relative path with ``/``.
        size: bytes; exact if ``exact``, otherwise four bytes per parameter of the network.
        sha256: 64 hexadecimal digits, or the known first digits; if empty (unknown), the digest announced by
            the server or that of the first download is stored and used from then on.
        exact: whether ``size`` is the size of the published file.
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
        name: name in presets, on the command line and in the cache folder.
        summary: short description.
        files: files of the record.
        source: source of the files.
        licence: SPDX name where there is one; "see page" where no licence could be verified.
        presets: presets whose default parts need the record.
        part: role in the pipeline: boxes, masks, vision, text, audio, association.
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
        """Total size of the files in bytes."""
        return sum(file.size for file in self.files)

    @property
    def exact(self) -> bool:
        """Whether the sizes of all files are exact."""
        return all(file.exact for file in self.files)

    def address(self, file: File, mirror: str = "") -> str:
        """Return the download address of ``file``.

        Args:
            file: one of this record's files.
            mirror: base address that replaces the public host: hub files keep their path
                (``MIRROR/owner/name/resolve/revision/file``), others are ``MIRROR/record/file``.

        Raises:
            ValueError: the record has no download address.
        """
        mirror = mirror.rstrip("/")
        if isinstance(self.source, Hub):
            return f"{mirror or HUB}/{self.source.repo}/resolve/{self.source.revision}/{file.name}"
        if isinstance(self.source, Url):
            return f"{mirror}/{self.name}/{file.name}" if mirror else self.source.url
        if isinstance(self.source, ManualDownload | OwnTraining) and mirror:
            return f"{mirror}/{self.name}/{file.name}"
        raise ValueError(f"{self.name} has no address: see {self.source.page}")
