"""Mutations of files: of bytes, and of the structure of JSON, CSV, PNG, zip, safetensors and Parquet."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Mutation = Callable[[bytes, np.random.Generator], bytes]
MAX_SIZE = 1 << 20
"""Mutated files are cut to this number of bytes."""

INTEGERS = tuple(
    sign * (2**power + offset)
    for power in (0, 7, 8, 15, 16, 24, 31, 32, 63)
    for offset in (-1, 0, 1)
    for sign in (1, -1)
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, 1e-320),
    *(float("nan"), float("inf"), "", " ", "a", "0", "-1", "1e999", "nan", "\x00", "\x1b[2J", "\ud800", "é"),
    *("../../etc/passwd", "/etc/passwd", "CON", "a" * 5000, "=1+1", "\r\n", "\u202e", "<script>", "%s%n"),
    *([], {}, [[]], [None], {"a": {}}, [0] * 50, [[1, 2], [3]]),
)
"""Values that replace a node of a structure."""
TEXTS = (
    *(value for value in VALUES if isinstance(value, str)),
    *(",", '"', ";", "\t", "#", "\ufeff", "-", "999999999999", "0x10", "١٢", "1_000", "1,2,3", "NaN", "id"),
)


def mutate_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """One to eight changes of bytes: bits, integers at limits, spans removed, repeated, moved or random."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        if not changed:
            break
        BYTE_CHANGES[int(rng.integers(len(BYTE_CHANGES)))](changed, rng)
    return bytes(changed[:MAX_SIZE])


def _span(size: int, rng: np.random.Generator) -> slice:
    length = min(size, int(2 ** rng.uniform(0, 12)))
    start = int(rng.integers(size - length + 1))
    return slice(start, start + length)


def _flip(content: bytearray, rng: np.random.Generator) -> None:
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))


def _integer(content: bytearray, rng: np.random.Generator) -> None:
    width = int(rng.choice([1, 2, 4, 8]))
    value = INTEGERS[int(rng.integers(len(INTEGERS)))] & ((1 << 8 * width) - 1)
    at = int(rng.integers(max(1, len(content) - width)))
    order = "big" if rng.integers(2) else "little"
    content[at : at + width] = value.to_bytes(width, order)  # type: ignore[arg-type]


def _remove(content: bytearray, rng: np.random.Generator) -> None:
    del content[_span(len(content), rng)]


def _repeat(content: bytearray, rng: np.random.Generator) -> None:
    part = _span(len(content), rng)
    content[part.start : part.start] = content[part] * int(rng.integers(1, 20))
    del content[MAX_SIZE:]


def _randomise(content: bytearray, rng: np.random.Generator) -> None:
    part = _span(len(content), rng)
    content[part] = rng.bytes(part.stop - part.start)


def _zero(content: bytearray, rng: np.random.Generator) -> None:
    part = _span(len(content), rng)
    content[part] = bytes(part.stop - part.start)


def _truncate(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(len(content))) :]


def _move(content: bytearray, rng: np.random.Generator) -> None:
    part = _span(len(content), rng)
    moved = bytes(content[part])
    del content[part]
    at = int(rng.integers(len(content) + 1))
    content[at:at] = moved


BYTE_CHANGES = (
    _flip,
    _flip,
    _integer,
    _integer,
    _integer,
    _remove,
    _repeat,
    _randomise,
    _zero,
    _truncate,
    _move,
)


def mutate_text(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace, remove, repeat or insert cells of lines."""
    text = content.decode("utf-8", "replace")
    separator = "," if "," in text else " "
    lines = [line.split(separator) for line in text.split("\n")]
    for _ in range(int(rng.integers(1, 6))):
        line = lines[int(rng.integers(len(lines)))]
        at = int(rng.integers(len(line))) if line else 0
        odd = TEXTS[int(rng.integers(len(TEXTS)))]
        change = int(rng.integers(5))
        if change == 0 and line:
            del line[at]
        elif change == 1:
            line.insert(at, odd)
        elif change == 2:
            lines.append(list(line))
        elif line:
            line[at] = odd if change == 3 else line[at] + odd
    joined = "\n".join(separator.join(line) for line in lines)
    return joined.encode("utf-8", "surrogatepass")[:MAX_SIZE]


def mutate_value(value: Any, rng: np.random.Generator) -> Any:
    """The value with one node replaced, removed, repeated or renamed."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        changed: Any = dict(value) if isinstance(value, dict) else list(value)
        keys = list(changed) if isinstance(changed, dict) else list(range(len(changed)))
        key = keys[int(rng.integers(len(keys)))]
        kind = rng.random()
        if kind < 0.08:
            del changed[key]
        elif kind < 0.13 and isinstance(changed, dict):
            changed[TEXTS[int(rng.integers(len(TEXTS)))]] = changed.pop(key)
        elif kind < 0.18 and isinstance(changed, list):
            changed.append(changed[key])
        else:
            changed[key] = mutate_value(changed[key], rng)
        return changed
    return VALUES[int(rng.integers(len(VALUES)))]


def mutate_json(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one to three nodes of a JSON text; now and then nest it or write it in another encoding."""
    value = json.loads(content)
    for _ in range(int(rng.integers(1, 4))):
        value = mutate_value(value, rng)
    text = json.dumps(value)
    kind = rng.random()
    if kind < 0.02:
        text = "[" * 200_000 + text + "]" * 200_000
    if kind > 0.98:
        return text.encode("utf-16")
    return text.encode("utf-8", "surrogatepass")[:MAX_SIZE]


def mutate_png(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a chunk of a PNG and correct its checksum, so that decoders go on."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return mutate_bytes(content, rng)
    chosen = int(rng.integers(len(chunks)))
    kind, body = chunks[chosen]
    if kind == b"IDAT" and rng.random() < 0.5:
        try:
            body = zlib.compress(mutate_bytes(zlib.decompress(body), rng))
        except zlib.error:
            body = mutate_bytes(body, rng)
    else:
        body = mutate_bytes(body, rng) if body else rng.bytes(5)
    chunks[chosen] = (kind, body)
    if rng.random() < 0.1:
        chunks.insert(int(rng.integers(len(chunks))), chunks[chosen])
    out = io.BytesIO()
    out.write(content[:8])
    for kind, body in chunks:
        out.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return out.getvalue()


def mutate_zip(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a member of a zip archive (``.pt``, ``.npz``) or its name, with correct checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    chosen = int(rng.integers(len(members)))
    name, body = members[chosen]
    if rng.random() < 0.15:
        name = TEXTS[int(rng.integers(len(TEXTS)))].replace("\ud800", "?") + name
    members[chosen] = (name, mutate_bytes(body, rng))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members:
            archive.writestr(zipfile.ZipInfo(name), body)
    return out.getvalue()


def mutate_safetensors(content: bytes, rng: np.random.Generator) -> bytes:
    """Change the JSON header of a safetensors file; the length before it is right."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    notes = header.get("__metadata__")
    if notes and rng.random() < 0.4:
        key = next(iter(notes))
        notes[key] = mutate_json(notes[key].encode(), rng).decode("utf-8", "replace")
        changed = json.dumps(header).encode()
    else:
        changed = mutate_json(json.dumps(header).encode(), rng)
    return struct.pack("<Q", len(changed)) + changed + content[8 + length :]


def mutate_parquet(content: bytes, rng: np.random.Generator) -> bytes:
    """Change values of a Parquet file, or the JSON in its metadata, and write it again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(io.BytesIO(content)) as file:
        table, notes = file.read(), dict(file.metadata.metadata or {})
    key = b"seac.store"
    if key in notes and rng.random() < 0.3:
        notes[key] = mutate_json(notes[key], rng)
    elif table.num_rows:
        rows = table.to_pylist()
        row = rows[int(rng.integers(len(rows)))]
        name = table.column_names[int(rng.integers(table.num_columns))]
        row[name] = _like(row[name], rng)
        try:
            table = pa.Table.from_pylist(rows, schema=table.schema)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            table = table.drop_columns([name])
    out = io.BytesIO()
    with pq.ParquetWriter(out, table.schema.remove_metadata(), store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(notes)
    return out.getvalue()


def _like(value: Any, rng: np.random.Generator) -> Any:
    """A changed value of the same type."""
    if isinstance(value, bytes):
        return mutate_bytes(value, rng) if value else rng.bytes(8)
    if isinstance(value, list):
        kind = rng.random()
        if kind < 0.3 or not value:
            return value[: int(rng.integers(len(value) + 1))] + value[:1]
        at = int(rng.integers(len(value)))
        return [*value[:at], _like(value[at], rng), *value[at + 1 :]]
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, str):
        return TEXTS[int(rng.integers(len(TEXTS)))].replace("\ud800", "?")
    odd = (
        (-1, 0, 1, 7, 2**31 - 1, -(2**31))
        if isinstance(value, int)
        else (-1.0, float("nan"), float("inf"), 1e30)
    )
    return odd[int(rng.integers(len(odd)))]


BY_SUFFIX: dict[str, tuple[Mutation, ...]] = {
    ".json": (mutate_json, mutate_json, mutate_bytes),
    ".csv": (mutate_text, mutate_text, mutate_bytes),
    ".txt": (mutate_text, mutate_bytes),
    ".png": (mutate_png, mutate_bytes),
    ".pt": (mutate_zip, mutate_bytes),
    ".npz": (mutate_zip, mutate_bytes),
    ".safetensors": (mutate_safetensors, mutate_safetensors, mutate_bytes),
    ".parquet": (mutate_parquet, mutate_parquet, mutate_bytes),
}
"""Mutations of files by suffix; all others are mutated as bytes."""


def mutate(name: str, content: bytes, rng: np.random.Generator) -> bytes:
    """The mutated content of a file ``name``; a structure that cannot be parsed is mutated as bytes."""
    suffix = "." + name.rpartition(".")[2].lower()
    choices = BY_SUFFIX.get(suffix, (mutate_bytes,))
    try:
        return choices[int(rng.integers(len(choices)))](content, rng)
    except Exception:  # a structure that its library cannot read or write
        return mutate_bytes(content, rng)
