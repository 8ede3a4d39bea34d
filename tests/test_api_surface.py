"""The public names and their signatures are those of api_surface.json, which changes on purpose only.

python -m tests.test_api_surface        writes it anew
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import seac

FILE = Path(__file__).with_name("api_surface.json")


def surface() -> dict[str, Any]:
    """Every public name of ``seac``: a signature, and of a class its public members."""
    return {name: described(getattr(seac, name)) for name in sorted(seac.__all__) if name != "__version__"}


def signature_of(function: Any) -> str:
    """Without the addresses of default values, which no two processes share."""
    return re.sub(r" object at 0x[0-9a-f]+", "", str(inspect.signature(function)))


def described(value: Any) -> Any:
    if not inspect.isclass(value):
        return signature_of(value)
    members = {
        name: member_of(value, name)
        for name in sorted(dir(value))
        if name in ("__call__", "__getitem__", "__len__") or not name.startswith("_")
        if not issubclass(value, Exception)
    }
    fields = dict.fromkeys(getattr(value, "__dataclass_fields__", ()), "")
    return {"signature": signature_of(value), "members": dict(sorted((fields | members).items()))}


def member_of(value: type, name: str) -> str:
    member = inspect.getattr_static(value, name)
    if isinstance(member, (classmethod, staticmethod)):
        member = member.__func__
    return signature_of(member) if inspect.isfunction(member) else ""


def test_public_names_change_on_purpose_only() -> None:
    assert surface() == json.loads(FILE.read_text(encoding="utf-8")), (
        "the public API has changed: if that is meant, say so in CHANGELOG.md and run "
        "python -m tests.test_api_surface"
    )


if __name__ == "__main__":
    FILE.write_text(json.dumps(surface(), indent=1) + "\n", encoding="utf-8")
