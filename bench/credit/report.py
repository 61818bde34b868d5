"""The tables of a page, from a record: nothing in them is typed."""

import statistics

# What `features` may take at the published size, in bytes.
LIMIT = 4 << 30
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"


def rewrite(page, record):
    """Puts the tables between the marks of a page, or prints them."""
    text = tables(record)
    if page is None:
        print(text, end="")
        return
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(before + BEGIN + text + END + after)


def tables(record):
    """All parts for which the record has steps."""
    steps = record["steps"]
    parts = [make(steps) for needed, make in PARTS if needed <= steps.keys()]
    return "\n\n".join([*parts, where(record)]) + "\n"


def synth(steps):
    forms = [("Parquet", steps["synth"]), ("CSV", steps["synth-csv"])]
    rows = [
        (name, count(one["rows"]), size(sum(table["bytes"] for table in one["tables"].values())), *cost(one))
        for name, one in forms
    ]
    return grid(["tables drawn", "rows", "size", *COST], rows)


def features(steps):
    ours = [steps[name] for name in ("features", "features-again") if name in steps]
    best = min(one["wall_s"] for one in ours)
    runs = [
        ("`features`, Parquet", "features"),
        ("`features`, Parquet, again", "features-again"),
        ("`features`, CSV", "features-csv"),
        ("the same SQL on DuckDB, Parquet", "duckdb-12GiB"),
        ("the same SQL on DuckDB, Parquet", "duckdb-2GiB"),
    ]
    runs = [(name, steps[step]) for name, step in runs if step in steps]
    read = ours[0]["rows"]
    rows = [(name, one["memory"], *cost(one, read), f"{one['wall_s'] / best:.2f}") for name, one in runs]
    head = ["528 features", "memory given", *COST, "time, of ours"]
    seconds = {name: statistics.median(one["steps"][name] for one in ours) for name in ours[0]["steps"]}
    spent = ", ".join(f"{name} {second:.1f}" for name, second in seconds.items())
    peak = max(one["peak_bytes"] for name, one in runs if name.startswith("`features`"))
    said = f"{count(ours[0]['applicants'])} applicants, {count(read)} rows in eight tables; at most {size(peak)}"
    said += f" of the {size(LIMIT)} that `features` may take. Seconds by step, on Parquet: {spent}."
    return f"{grid(head, rows)}\n\n{said}"


def values(steps):
    pairs = [("DuckDB's", steps["values"]["duckdb"]), ("those from CSV", steps["values"]["csv"])]
    pairs += [("pandas'", steps["part"]["values"])] if "part" in steps else []
    rows = [
        (name, count(one["rows"]), one["columns"], len(one["differ"]), f"{one['worst']:.1e}", one["worst_column"])
        for name, one in pairs
    ]
    head = ["ours compared with", "applicants", "columns", "that differ", "largest difference", "in"]
    (allowed,) = {one["tolerance"] for _, one in pairs}
    said = f"A column differs if a value is missing on one side only, or by more than {allowed:.0e}"
    return f"{grid(head, rows)}\n\n{said} of itself or of the column's median magnitude."


def part(steps):
    found = steps["part"]
    ours, pandas = found["ours"], found["pandas"]
    ratio = f"{pandas['wall_s'] / ours['wall_s']:.1f}"
    rows = [("`features`", *cost(ours), "1"), ("pandas", *cost(pandas), ratio)]
    return grid([f"{count(found['applicants'])} applicants", *COST, "time, of ours"], rows)


def epochs(steps):
    found = steps["epochs"]
    ours = found["ours"]
    samples = [second for run in ours["runs"] for second in run["samples_s"]]
    peak = max(run["peak_bytes"] for run in ours["runs"])
    rows = [("`train`", ours["median_s"], samples, peak, "1")]
    for name, one in [("Keras", found["keras"]), ("Keras, 64 steps per execution", found["keras_64_steps"])]:
        if "skipped" not in one:
            ratio = f"{one['median_s'] / ours['median_s']:.1f}"
            rows.append((name, one["median_s"], one["samples_s"], one["peak_bytes"], ratio))
    lines = [
        (name, seconds(middle), f"{seconds(min(all_))} – {seconds(max(all_))}", len(all_), size(peak), ratio)
        for name, middle, all_, peak, ratio in rows
    ]
    head = ["one epoch", "median", "range", "epochs", "peak memory", "time, of ours"]
    same = "to the last bit the same model" if ours["same_model"] else "different models"
    said = f"{count(found['rows'])} × {found['columns']}, batches of {found['batch']}, Adam, one dense unit"
    said += f" with a bias. {len(ours['runs'])} trainings from the same seed gave {same}."
    skipped = [one["skipped"] for one in (found["keras"], found["keras_64_steps"]) if "skipped" in one]
    return f"{grid(head, lines)}\n\n{said}" + (f" Keras was left out: {skipped[0]}." if skipped else "")


def optimum(steps):
    rows = [optimum_row(one) for one in steps["optimum"]]
    head = ["L2", "`train`, log loss", "scikit-learn's optimum", "difference", "with the penalty"]
    head += ["`train`, wall", "scikit-learn's"]
    epochs = steps["optimum"][0]["training"]["epochs"]
    solvers = ", ".join(f"{one['solver']} for {one['l2']:g}" for one in steps["optimum"])
    steepest = max(one["gradient"] for one in steps["optimum"])
    said = f"{epochs} epochs; losses of both computed here, on the rows that both were fitted on. scikit-learn's"
    return f"{grid(head, rows)}\n\n{said} solvers: {solvers}; gradient there at most {steepest:.0e}."


def optimum_row(one):
    ours, best = one["ours"], one["scikit_learn"]
    loss, whole = (ours[what] - best[what] for what in ("log_loss", "objective"))
    losses = (f"{one['l2']:g}", f"{ours['log_loss']:.6f}", f"{best['log_loss']:.6f}", f"{loss:.1e}", f"{whole:.1e}")
    return *losses, seconds(one["training"]["wall_s"]), seconds(one["seconds"])


def real(steps):
    found = steps["real"]
    if "skipped" in found:
        return f"Real applicants were left out: {found['skipped']}."
    names = {"ours": "`train`", "scikit_learn": "scikit-learn", "of_2019": "`train`, the set-up of 2019"}
    rows = [
        (name, *(f"{found['mean'][key][what]:.4f}" for what in ("auc", "accuracy", "always_repays", "log_loss")))
        for key, name in names.items()
    ]
    head = [f"{count(found['rows'])} real applicants", "AUC", "accuracy", "of “always repays”", "log loss"]
    old = found["anchor_2019"]
    said = f"Means over {len(found['folds'])} folds, {found['columns']} columns of the application alone;"
    said += f" scikit-learn's C is {found['c']} and ours the same penalty."
    said += " Local only: no row of these is in the repository."
    said += " The set-up of 2019, measured before on one random fifth:"
    said += f" {old['auc']}, {old['accuracy']} and {old['log_loss']}."
    return f"{grid(head, rows)}\n\n{said}"


PARTS = [
    ({"synth", "synth-csv"}, synth),
    ({"features", "features-csv", "duckdb-12GiB"}, features),
    ({"part"}, part),
    ({"values"}, values),
    ({"epochs"}, epochs),
    ({"optimum"}, optimum),
    ({"real"}, real),
]


def where(record):
    machine = record["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    keras = record["steps"].get("epochs", {}).get("keras", {}).get("versions", {})
    packages += "".join(f", {name} {keras[name]}" for name in ("keras", "tensorflow") if name in keras)
    said = f"{machine['processor']}, {machine['cores']} cores, {size(machine['memory_bytes'])}, load {machine['load']}"
    return f"{said} at the start; {machine['date']}, commit {machine['commit']}; {packages}."


COST = ["wall", "processor", "rows/s", "peak memory"]


def cost(one, rows=None):
    """The cells under COST; `rows` where the step itself counted none."""
    rate = (rows or one["rows"]) / one["wall_s"]
    return seconds(one["wall_s"]), seconds(one["cpu_s"]), count(rate), size(one["peak_bytes"])


def grid(head, rows):
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def seconds(s):
    return f"{s * 1e3:.0f} ms" if s < 1 else f"{s:.2f} s" if s < 10 else f"{s:.1f} s"


def size(number):
    return f"{number / 2**30:.2f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def count(number):
    return f"{number:,.0f}"
