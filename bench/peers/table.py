"""The table of a record, in Markdown: medians, how often as long as privet, errors, bytes and memory."""

HEADS = ["model", "batch", "system", "median", "protocol alone", "to privet", "max error", "between", "peak", "runs"]


def text(record):
    lines = ["| " + " | ".join(HEADS) + " |", "|---|---:|---|" + "---:|" * (len(HEADS) - 3)]
    for one in sorted(record["results"], key=lambda one: (one["model"] != "lr528-keras", one["model"], one["batch"])):
        lines.append("| " + " | ".join(cells(record, one)) + " |")
    absent = ["* {system}, {model}: absent. {reason}".format(**one) for one in record["absent"]]
    return "\n".join(lines + ([""] + absent if absent else []))


def cells(record, one):
    """A row of the table."""
    protocol, ours = one.get("median_protocol_s"), median_of_ours(record, one)
    peaks = [m["peak_bytes"] for m in record["memory"] if (m["system"], m["model"]) == (one["system"], one["model"])]
    return [
        one["model"],
        str(one["batch"]),
        one["system"],
        seconds(one["median_s"]),
        seconds(protocol) if protocol else "",
        f"{one['median_s'] / ours:.1f}x" if ours and one["system"] != "privet" else "",
        f"{one['max_error']:.1e}",
        f"{one['bytes_between'] / 1e6:.2f} MB",
        f"{max(peaks) / 1e6:.0f} MB",
        str(len(one["samples_s"])),
    ]


def median_of_ours(record, one):
    same = [r for r in record["results"] if (r["model"], r["batch"]) == (one["model"], one["batch"])]
    return next((r["median_s"] for r in same if r["system"] == "privet"), None)


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms"
