"""The lines of results as tables for people."""

from __future__ import annotations

from typing import Any

Lines = list[dict[str, Any]]


def summary(lines: Lines) -> str:
    """Training, prediction, resuming, tests, and whatever failed or was left out."""
    blocks = [
        _machine(lines),
        _training([line for line in lines if line.get("arm")]),
        _speeds([line for line in lines if "zoo_per_second" in line]),
        _kernels([line for line in lines if "new_shape_ms" in line]),
        _resumed([line for line in lines if "resumed_equal" in line]),
        _tests([line for line in lines if line["part"].startswith("tests") and "outcome" in line]),
        _problems(lines),
    ]
    return "\n\n".join(block for block in blocks if block)


def _machine(lines: Lines) -> str:
    facts = next((line for line in lines if line["name"] == "machine"), {})
    named = [f"{key} {facts[key]}" for key in ("device", "gib", "cuda", "torch", "transformers") if facts.get(key)]
    ceilings = [f"{x['name']} {x['tflops']} TFLOP/s" for x in lines if x["part"] == "device" and "tflops" in x]
    ceilings += [f"copy {line['tb_per_second']} TB/s" for line in lines if "tb_per_second" in line]
    return "\n".join(filter(None, ["; ".join(named), "; ".join(ceilings)]))


def _training(lines: Lines) -> str:
    """One row for each cell: zoo, ``Trainer``, and the ratios."""
    arms: dict[str, dict[str, dict[str, Any]]] = {}
    for line in lines:
        arms.setdefault(line["name"], {})[line["arm"]] = line
    if not arms:
        return ""
    heads = ["training", "zoo tok/s", "Trainer tok/s", "ratio", "zoo MFU", "Trainer MFU", "zoo GiB", "Trainer GiB"]
    table = [heads]
    for name, both in arms.items():
        zoo, peer = both.get("zoo", {}), both.get("Trainer", {})
        speeds = [each.get("tokens_per_second") for each in (zoo, peer)]
        ratio = f"{speeds[0] / speeds[1]:.2f}" if all(speeds) else "-"
        rest = [_shown(each.get(key)) for key in ("mfu", "peak_gib") for each in (zoo, peer)]
        table.append([name, *(_shown(speed) for speed in speeds), ratio, *rest])
    return _aligned(table)


def _speeds(lines: Lines) -> str:
    table = [["prediction", "zoo /s", "plain /s", "ratio", "same output"]]
    for line in lines:
        ratio = f"{line['zoo_per_second'] / line['plain_per_second']:.2f}"
        speeds = [_shown(line[key]) for key in ("zoo_per_second", "plain_per_second")]
        table.append([line["name"], *speeds, ratio, f"{line['same']} of {line['inputs']}"])
    return _aligned(table) if lines else ""


def _kernels(lines: Lines) -> str:
    rows = [[line["name"], *(_shown(line[key]) for key in ("new_shape_ms", "again_ms"))] for line in lines]
    return _aligned([["kernels", "ms at a new shape", "ms again"], *rows]) if lines else ""


def _resumed(lines: Lines) -> str:
    table = [["resuming", "equal when undisturbed", "equal when resumed", "largest difference"]]
    for line in lines:
        keys = ("undisturbed_equal", "resumed_equal", "largest_difference")
        table.append([line["name"], *(str(line[key]) for key in keys)])
    return _aligned(table) if lines else ""


def _tests(lines: Lines) -> str:
    if not lines:
        return ""
    counts = {what: sum(line["outcome"] == what for line in lines) for what in ("passed", "failed", "skipped")}
    return "tests: " + ", ".join(f"{count} {what}" for what, count in counts.items())


def _problems(lines: Lines) -> str:
    found = [
        f"FAILED {x['part']} {x['name']} {x.get('arm', '')}: {_first(x['error'])}" for x in lines if x.get("error")
    ]
    left: dict[str, list[str]] = {}
    for x in lines:
        if why := x.get("skipped") or x.get("reason"):
            left.setdefault(f"{x['part']} ({why})", []).append(x["name"])
    found += [f"left out: {place}: {names[0]}{_more(names)}" for place, names in left.items()]
    return "\n".join(found)


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _first(error: str) -> str:
    return error.strip().splitlines()[-1][:160]


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:,}"


def _aligned(table: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table)
