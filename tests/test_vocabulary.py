"""Names and pages use the words of docs/glossary.md: private words that they replaced do not come back."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
CODE = ("src", "recipes", "benchmarks", "examples", "tests", "demo")
PAGES = (
    "*.md",
    "NOTICE",
    "docs/**/*.md",
    "src/seac/assets/*.md",
    "demo/*.md",
)

NAMES: dict[str, str] = {
    "ears": "audio encoder",
    "eyes": "image encoder",
    "sight sights": "image encoder, image features",
    "hearing": "audio encoder, MobileNetStudent",
    "heard listened": "EncodedAudio, AudioSummary, audio features",
    "kinds": "classes, class_heads",
    "taught": "trained, supervised",
    "lesson lessons": "training samples",
    "course courses": "phase, run",
    "exam examined": "evaluate, held-out set",
    "stills": "image-audio pairs",
    "midway": "interpolate",
    "remembering": "cached, CachedModel",
    "noted halved part_of": "save/load with metadata, to_half, sub state dict",
    "placed place_masks": "text-space embedding",
    "witnesses told": "experts, scores, log-likelihoods",
    "naming": "classification, classifier",
    "restless steady bent": "temporal deviation, stationary noise, spectral deviation",
    "struck": "percussive",
    "rarity softness": "prior correction, temperature",
    "lit": "active",
    "soften": "nms",
    "eased leaning laid": "mask refinement, paste_masks",
    "learnt alike": "learned",
    "ensembles": "CachedTextEncoder",
    "whole_file whole_folder draft drafts": "atomic write, temporary file",
    "sink sinks": "writer",
    "followed settled": "track state, aggregated crops",
    "hindsight blame": "oracle, error attribution",
    "stranger strangers rivals": "off-screen source, distractors",
    "made_by": "provenance",
    "footage": "excerpt, ExcerptConfig",
    "swaps": "ablation, variants",
    "stacks builders folding": "table rows that name classes, fuse_bn",
    "made_up worlds films fakes": "fixtures, synthetic data",
}
"""Words that are no part of an identifier, a file name or an option -> what to say. A name is split at
``_`` and at capitals; ``part_of`` is these two parts in a row."""

PROSE: dict[str, str] = {
    r"ears?": "audio encoder",
    r"eyes": "image encoder",
    r"sights?": "image encoder",
    r"hearing": "audio encoder",
    r"kinds": "classes",
    r"taught|teaching|teach": "trained",
    r"lessons?": "training samples",
    r"(?<!of )courses?": "phase, run",
    r"stills": "image-audio pairs, images",
    r"midway": "weight interpolation",
    r"footage": "excerpt",
    r"hindsight": "oracle",
    r"blamed?": "error attribution",
    r"strangers?|rivals?": "off-screen source, distractors",
    r"witness(es)?": "experts",
    r"lit|lights? up": "active",
    r"learnt": "learned",
    r"softness|rarity": "temperature, prior correction",
    r"swaps|swapped": "ablation, variants",
    r"pictures?": "image, frame",
    r"films?": "videos",
    r"races?|raced": "compare",
    r"among words|words alone|by looks": "text space, zero-shot",
    r"goes on where": "resumes",
    r"combined association|taught kinds": "trained association, class heads",
}
"""Words that pages do not use in a private sense -> what to say; regular expressions of whole words."""

OPTIONS = {
    "--associate": "--association-method",
    "--association": "--association-weights",
    "--naming": "--classifier",
}

ALLOWED: dict[tuple[str, str], str] = {
    ("src/seac/media/image.py", "draft"): "PIL.Image.Image.draft",
    ("recipes/common/media_bank.py", "draft"): "PIL.Image.Image.draft",
    ("tests/test_vocabulary.py", "*"): "this table",
    ("src/seac/cli/options.py", "--associate"): "an old name, answered with the new one",
    ("src/seac/cli/options.py", "--association"): "an old name, answered with the new one",
    ("CONTRIBUTING.md", "pictures"): "a target of the Makefile",
    ("CHANGELOG.md", "hearing"): "an old name, beside the new one",
    ("CHANGELOG.md", "taught"): "an old name, beside the new one",
    ("CHANGELOG.md", "stills"): "an old name, beside the new one",
    ("CHANGELOG.md", "--associate"): "an old name, beside the new one",
    ("CHANGELOG.md", "--association"): "an old name, beside the new one",
    ("CHANGELOG.md", "--naming"): "an old name, beside the new one",
}
"""(file, word) -> why it may stand there."""

PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
BANNED = {tuple(term.split("_")): say for terms, say in NAMES.items() for term in terms.split()}


def parts_of(name: str) -> tuple[str, ...]:
    """``CombinedSettings`` and ``combined_settings`` as (combined, settings)."""
    return tuple(part.lower() for part in PART.findall(name))


@cache
def banned_in(name: str) -> tuple[tuple[str, str], ...]:
    """(word, what to say) of each banned word in a name; the name of a test is a sentence."""
    parts = () if name.startswith("test_") else parts_of(name)
    return tuple(
        ("_".join(term), say)
        for term, say in BANNED.items()
        if any(parts[at : at + len(term)] == term for at in range(len(parts)))
    )


def allowed(file: str, word: str) -> bool:
    return (file, word) in ALLOWED or (file, "*") in ALLOWED


def identifiers_of(text: str) -> Iterator[str]:
    """The names of a Python file."""
    for node in ast.walk(ast.parse(text)):
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield from value.split(".")


def files_of(folder: str) -> list[Path]:
    return [
        path
        for path in sorted((REPO / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and "egg-info" not in str(path)
    ]


def report(found: dict[tuple[str, str, str], list[str]]) -> str:
    lines = [
        f"{file}: {word!r} ({len(where)} x: {', '.join(dict.fromkeys(where))[:120]}): say {say}"
        for (file, word, say), where in sorted(found.items())
    ]
    return f"{len(lines)} private words, see docs/glossary.md:\n" + "\n".join(lines)


@pytest.mark.parametrize("folder", CODE)
def test_identifiers_are_words_of_the_glossary(folder: str) -> None:
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path in files_of(folder):
        if path.suffix != ".py":
            continue
        file = path.relative_to(REPO).as_posix()
        for name in identifiers_of(path.read_text(encoding="utf-8")):
            for word, say in banned_in(name):
                if not allowed(file, word):
                    found[file, word, say].append(name)
    assert not found, report(found)


@pytest.mark.parametrize("folder", [*CODE, "docs"])
def test_file_names_are_words_of_the_glossary(folder: str) -> None:
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path in files_of(folder):
        file = path.relative_to(REPO).as_posix()
        for part in path.relative_to(REPO).parts:
            for word, say in banned_in(part.partition(".")[0]):
                if not allowed(file, word):
                    found[file, word, say].append(part)
    assert not found, report(found)


@pytest.mark.parametrize("folder", CODE)
def test_options_are_words_of_the_glossary(folder: str) -> None:
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path in files_of(folder):
        if path.suffix != ".py":
            continue
        file = path.relative_to(REPO).as_posix()
        for option in re.findall(r"(?<![-\w])--[a-z][a-z-]*[a-z]", path.read_text(encoding="utf-8")):
            words = [
                *banned_in(option.replace("-", "_")),
                *([(option, OPTIONS[option])] if option in OPTIONS else []),
            ]
            for word, say in words:
                if not allowed(file, word):
                    found[file, word, say].append(option)
    assert not found, report(found)


def pages() -> dict[str, str]:
    """Page -> text; of the changelog, all from 0.2.0 on."""
    texts = {}
    for pattern in PAGES:
        for path in sorted(REPO.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(REPO).as_posix()
            texts[name] = text.partition("\n## 0.1.0")[0] if name == "CHANGELOG.md" else text
    return texts


@pytest.mark.parametrize("name", sorted(pages()))
def test_pages_are_written_in_words_of_the_glossary(name: str) -> None:
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for line in pages()[name].splitlines():
        for pattern, say in PROSE.items():
            for match in re.finditer(rf"(?<![\w-])(?:{pattern})(?![\w-])", line, re.IGNORECASE):
                if not allowed(name, match.group().lower()):
                    found[name, match.group().lower(), say].append(line.strip()[:60])
        for option, say in OPTIONS.items():
            if re.search(rf"(?<![\w-]){option}(?![\w-])", line) and not allowed(name, option):
                found[name, option, say].append(line.strip()[:60])
    assert not found, report(found)


def test_names_are_split_at_underscores_and_capitals() -> None:
    assert parts_of("HTTPServer_nameOf2") == ("http", "server", "name", "of", "2")
    assert dict(banned_in("KindsOfHearing")).keys() == {"kinds", "hearing"}
    assert not banned_in("kind_of_thing")
    assert not banned_in("test_links_are_not_followed")
    assert [word for word, _ in banned_in("write_whole_file")] == ["whole_file"]


def test_what_is_allowed_is_still_there() -> None:
    for file, word in ALLOWED:
        text = (REPO / file).read_text(encoding="utf-8")
        assert word == "*" or word in text, f"{file} has no {word!r} any more: drop the row"
