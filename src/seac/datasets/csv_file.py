"""Reading of CSV files with or without BOM, any line ends, blank lines and columns in any order."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from seac.core.errors import InputError

Row = tuple[int, list[str]]
"""Line number in the file, from 1, and the fields without surrounding spaces."""


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, without its BOM.

    Raises:
        InputError: the file is missing, a folder, unreadable, or not UTF-8 text.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a file")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the lines that are not blank, in order.

    Raises:
        InputError: the file cannot be read or is not CSV.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV ({error}); repair the line") from None


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows below the header, as mappings from column name to field.

    Args:
        path: a CSV file whose first line names its columns, in any order and any case.
        columns: lower-case names of required columns; their fields must not be blank. Other columns are
            returned too.

    Raises:
        InputError: the file cannot be read, the header or a column is missing, or a required field is blank.
    """
    rows = list(read_rows(path))
    if not rows:
        raise InputError(f"{path}: is empty; its first line must name the columns {', '.join(columns)}")
    (_, names), *body = rows
    header = [name.lower() for name in names]
    absent = [column for column in columns if column not in header]
    if absent:
        raise InputError(
            f"{path}: no column {absent[0]!r} in its header ({', '.join(header)[:120]}); "
            f"its first line must name {', '.join(columns)}"
        )
    table: list[dict[str, str]] = []
    for line, fields in body:
        row = dict(zip(header, fields, strict=False))
        blank = next((column for column in columns if not row.get(column)), None)
        if blank is not None:
            raise InputError(f"{path}, line {line}: no {blank}; fill in the field or remove the line")
        table.append(row)
    return table
