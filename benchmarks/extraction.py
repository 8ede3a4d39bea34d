"""Speed of feature extraction by stage, with one worker, two workers and Ray.

    python -m benchmarks.extraction FOLDER --limit 6 --out docs/extraction.json --document docs/extraction.md

FOLDER is any training data that ``seac extract`` takes. Wall time is unreliable
on a shared machine, so CPU seconds are reported as well.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tables import machine, replace_section, table
from seac.extraction.engine import Engine, InProcessEngine, ProcessEngine
from seac.extraction.ray_engine import RayEngine
from seac.features import open_store
from seac.jobs.extract import ExtractJob, chosen, extract
from seac.presets.spec import ModelSpec


def engine(name: str) -> Engine:
    """An engine by name: "1", "2", ... workers, or "ray:2" for two actors of a new local cluster."""
    where, _, workers = name.rpartition(":")
    if where == "ray":
        return RayEngine("local", int(workers))
    return ProcessEngine(int(workers)) if int(workers) > 1 else InProcessEngine()


def measure(job: ExtractJob, name: str) -> dict[str, Any]:
    """Record of a run, with the bytes per clip and the machine."""
    kind, pairs = chosen(job)
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        tally = extract(pairs, job.recipe(), Path(folder) / "store", engine(name), kind)
        store = open_store(Path(folder) / "store")
        masks = int(store.proposals.sum()) / max(1, int((store.proposals > 0).sum()))
        size = store.size / max(1, len(store))
        codes = [len(code) for clip in store for frame in clip.frames for code in frame.codes]
    record = {name: value for name, value in tally.record().items() if name != "store"}
    facts = {"workers": name, "preset": job.model.preset, "bytes_per_clip": round(size)}
    facts |= {"bytes_per_code": round(sum(codes) / max(1, len(codes)))}
    return {**record, **facts, "masks_per_frame": round(masks, 1), "machine": before}


def format_records(records: list[dict[str, Any]], command: str) -> list[str]:
    """Markdown table of the records."""
    stages = list(records[0]["stage_seconds"])
    heads = ["where", "clips", "clips/s", *(f"{stage}, s (cores)" for stage in stages), "machine"]
    rows = []
    for record in records:
        times = [
            f"{record['stage_seconds'][s] / record['new']:.2f} "
            f"({record['stage_cpu_seconds'][s] / record['new']:.2f})"
            for s in stages
        ]
        rate = f"{record['clips_per_second']:.3f}"
        rows.append([record["engine"], record["new"], rate, *times, record["machine"]])
    return [
        f"Written by `{command}`; seconds per clip on the wall, of cores in brackets.",
        "",
        *table(heads, rows),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="training data, or the records of an earlier run (.json)")
    parser.add_argument("--engines", default="1,2,ray:2", help="comma-separated engines")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--out", type=Path, help="file for the records, as JSON")
    parser.add_argument("--document", type=Path, help="document whose table is updated")
    given = parser.parse_args(arguments)
    spec = ModelSpec(given.preset, device=given.device)
    job = ExtractJob(given.folder, Path(), spec, split=given.split, limit=given.limit)
    records = json.loads(given.folder.read_text(encoding="utf-8")) if given.folder.is_file() else []
    for name in given.engines.split(",") if not records else ():
        records.append(measure(job, name))
        print(json.dumps(records[-1]), flush=True)
        if given.out:
            given.out.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    words = [word if not word.startswith("/") else Path(word).name for word in arguments or sys.argv[1:]]
    lines = format_records(records, " ".join(["python -m benchmarks.extraction", *words]))
    print("\n".join(lines))
    if given.document:
        replace_section(given.document, "measured", lines)


if __name__ == "__main__":
    main()
