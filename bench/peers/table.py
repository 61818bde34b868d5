"""The table of a record, in Markdown: medians, how often as long as privet, errors, bytes and memory."""

HEADS = ["model", "reveal", "batch", "system", "kind, protocol", "median", "protocol alone", "rows/s", "to privet"]
HEADS += ["max error", "up", "between", "peak", "runs"]
WORDS = ("model", "reveal", "system", "kind, protocol")


def text(record):
    rule = "|" + "|".join("---" if head in WORDS else "---:" for head in HEADS) + "|"
    lines = ["| " + " | ".join(HEADS) + " |", rule]
    for one in sorted(record["results"], key=place):
        lines.append("| " + " | ".join(cells(record, one)) + " |")
    return "\n".join(lines + ([""] + absent(record) if record["absent"] else []))


def place(one):
    """Results of one place stay in the order of the record."""
    return one["model"] != "lr528-keras", one["model"], one["reveal"], one["batch"]


def cells(record, one):
    """A row of the table."""
    protocol, ours = one.get("median_protocol_s"), median_of_ours(record, one)
    peaks = [m["peak_bytes"] for m in record["memory"] if source(m) == source(one)]
    return [
        one["model"],
        one["reveal"],
        str(one["batch"]),
        one["system"],
        ", ".join(filter(None, [one["kind"], one["protocol"]])),
        seconds(one["median_s"]),
        seconds(protocol) if protocol else "",
        f"{one['rows_per_s']:,.0f}",
        f"{one['median_s'] / ours:.1f}x" if ours and one["system"] != "privet" else "",
        f"{one['max_error']:.1e}",
        size(one["bytes_up"]),
        size(one["bytes_between"]),
        f"{max(peaks) / 1e6:.0f} MB",
        str(len(one["samples_s"])),
    ]


def source(one):
    return one["system"], one["model"], one["reveal"], one["kind"]


def median_of_ours(record, one):
    """Of the same kind; of three parties where privet has not that kind."""
    ours = {r["kind"]: r["median_s"] for r in record["results"] if r["system"] == "privet" and place(r) == place(one)}
    return ours.get(one["kind"], ours.get("mpc"))


def absent(record):
    """One line for each reason."""
    missing = {}
    for one in record["absent"]:
        what = f"{one['model']} ({one['reveal']})"
        missing.setdefault((f"{one['system']}, {one['kind']}", one["reason"]), []).append(what)
    return [f"* {system}: absent for {', '.join(what)}. {reason}" for (system, reason), what in missing.items()]


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms"


def size(value):
    if value is None:
        return ""
    return f"{value} B" if value < 1e3 else f"{value / 1e3:.1f} kB" if value < 1e6 else f"{value / 1e6:.1f} MB"
