"""Results of bench/measure.py as tables in Markdown, and as plots. Call it with a file of results to
write its tables and plots anew."""
import json
import os
import statistics
import sys

import loads
import plot
import threads

MARKS = ("<!-- results: made by bench/run.sh --publish -->", "<!-- end of results -->")


def number(value):
    """For people: three digits that count, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2g}"


def spread(values):
    """The median, and between which values it is one."""
    middle = number(statistics.median(values))
    if len(values) == 1 or number(min(values)) == number(max(values)):
        return middle
    return f"{middle} ({number(min(values))}..{number(max(values))})"


COUNTS = ("sessions_lost",)  # none is a result; 0 of anything else was not measured


class Runs:
    """What was measured, by who, load and round."""

    def __init__(self, result):
        self.figures = {(run["who"], run["load"], run["round"]): run["figures"] for run in result["runs"]}
        self.rounds = range(1, result["rounds"] + 1)

    def value(self, who, load, figure, number):
        figures = self.figures.get((who, load, number), {})
        for part in figure.split("."):
            figures = figures.get(part, {}) if isinstance(figures, dict) else {}
        if not isinstance(figures, (int, float)):
            return None
        return figures if figures > 0 or figure in COUNTS else None

    def values(self, who, load, figure):
        found = (self.value(who, load, figure, number) for number in self.rounds)
        return [value for value in found if value is not None]


def row_results(runs):
    """Each row of the table that could be measured, as an object of results."""
    results = []
    for row in loads.ROWS:
        ref = runs.values(*row.ref) if row.ref else []
        own = runs.values(*row.own)
        #  Round by round: what was measured one after the other is compared.
        ratios = []
        for number in runs.rounds:
            mine = runs.value(*row.own, number)
            other = runs.value(*row.ref, number) if row.ref else None
            if mine is not None and (other is not None or not row.ref):
                ratios.append(row.ratio(other, mine))
        if not ratios:
            continue
        ratio = max(ratios) if row.worst else statistics.median(ratios)
        results.append({"row": row.title, "unit": row.unit, "beside": row.ref[0] if row.ref else None,
                        "reference": ref, "holdfast": own, "ratios": ratios, "ratio": ratio,
                        "wanted": row.wanted(), "met": row.met(ratio)})
    return results


def table(head, lines):
    text = "| " + " | ".join(head) + " |\n| " + " | ".join("---" for _ in head) + " |\n"
    return text + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def floor_table(results):
    lines = []
    for row in results:
        beside = spread(row["reference"]) if row["reference"] else ""
        own = spread(row["holdfast"])
        ratio = spread(row["ratios"]) if row["reference"] else ""
        lines.append([row["row"], row["unit"], beside, own, ratio, row["wanted"], ("yes" if row["met"] else "**no**") if row["wanted"] else ""])
    return table(["load", "unit", "floor, or what it is beside", "holdfast", "ratio", "wanted", "met"], lines)


def cpu_table(runs):
    lines = []
    for load in loads.LOADS:
        line = [load.name]
        for who in ("holdfast", "floor"):
            for part in ("leader", "follower", "client"):
                values = runs.values(who, load.name, f"cpu_us.{part}")
                line.append(spread(values) if values else "")
        if any(line[1:]):
            lines.append(line)
    if not lines:
        return ""
    head = ["us for one request", "leader", "a follower", "client", "floor: leader", "floor: a follower",
            "floor: client"]
    return table(head, lines)


def threads_table(runs):
    """Each thread of the floor and of holdfast, for one request."""
    lines = []
    for load in loads.THREADS:
        for part in ("leader", "a follower", "client"):
            for thread in threads.ORDER:
                line = [load, f"{part}: {thread}"]
                for who in ("holdfast", "floor"):
                    for figure in ("us", "sleeps"):
                        values = runs.values(who, load, f"threads.{part}.{thread}.{figure}")
                        line.append(number(statistics.median(values)) if values else "")
                if any(line[2:]):
                    lines.append(line)
    if not lines:
        return ""
    return table(["for one request", "thread", "us", "sleeps", "floor: us", "floor: sleeps"], lines)


def peers_table(runs, result):
    """Each load: cycles or hand-offs a second, and how many times that holdfast does."""
    there = [name for name in result["peers"] if any(run["who"] == name for run in result["runs"])]
    if not there:
        return ""
    lines = []
    for load, command, _, _ in loads.PEER_LOADS:
        own = runs.values("holdfast", load, "cycles_per_second")
        if not own:
            continue
        line = [f"{load}, {'hand-offs' if command == 'handoff' else 'cycles'}/s", spread(own)]
        for name in there:
            values = runs.values(name, load, "cycles_per_second")
            pairs = [(runs.value("holdfast", load, "cycles_per_second", i),
                      runs.value(name, load, "cycles_per_second", i)) for i in runs.rounds]
            ratios = [mine / other for mine, other in pairs if mine and other]
            line.append(f"{spread(values)}; x {number(statistics.median(ratios))}" if ratios else "")
        lines.append(line)
    for load, _, _, _ in loads.PEER_LOADS:
        own = [sum(runs.value("holdfast", load, f"cpu_us.{part}", i) or 0 for part in ("leader", "client"))
               + 2 * (runs.value("holdfast", load, "cpu_us.follower", i) or 0) for i in runs.rounds]
        #  Of a run whose leader changed, what the nodes spent is not known.
        led = runs.values("holdfast", load, "cpu_us.leader")
        own = [value for value in own if value > 0] if len(led) == len(own) else []
        line = [f"{load}, us of processors for one request, all together", spread(own) if own else ""]
        for name in there:
            values = [runs.value(name, load, "cpu_us.servers", i) or 0 for i in runs.rounds]
            values = [value + (runs.value(name, load, "cpu_us.client", i + 1) or 0)
                      for i, value in enumerate(values) if value > 0]
            line.append(spread(values) if values else "")
        if any(line[2:]):
            lines.append(line)
    return table(["load", "holdfast"] + [result["peers"][name]["title"] for name in there], lines)


def about(result):
    machine = result["machine"]
    syncs = Runs(result).values("floor", "sync", "p50_ms")
    lines = [
        f"Commit {result['commit']}, {result['date']}, `{' '.join(result['command'])}`: "
        f"{result['rounds']} round{'s' if result['rounds'] > 1 else ''} of {result['seconds']} s for each load.",
        f"{machine['cores']} cores ({machine['processor'] or 'of no name'}), {machine['memory_mib']:,} MiB, "
        f"{machine['kernel']}, {machine['file_system']}"
        + (f"; a sync of 4 KiB takes {spread(syncs)} ms" if syncs else "")
        + f". Load of the machine before: {machine['load_average_before']}.",
        "; ".join(f"{name} {text}" for name, text in result["versions"].items() if text) + ".",
    ]
    if machine["load_average_before"] > machine["cores"] / 4:
        lines.append("**The machine had other work: these numbers say little.**")
    if result["quick"]:
        lines.append("**A quick run, which shows that all of it works; its numbers say little.**")
    lines += [f"Not measured: {result['peers'][name]['title']}: {why}." for name, why in result["skipped"].items()]
    lines += [f"Failed: {text}" for text in result["failed"]]
    return "\n\n".join(lines) + "\n"


def markdown(result, rows, name):
    runs = Runs(result)
    text = about(result) + "\n"
    text += "Medians of the rounds, in brackets the least and the greatest.\n\n" if result["rounds"] > 1 else ""
    text += floor_table(rows)
    cpu = cpu_table(runs)
    if cpu:
        text += "\nProcessor time, on all nodes and in the client (echo has no followers):\n\n" + cpu
    each = threads_table(runs)
    if each:
        text += "\nThe same by thread, and how often each went to sleep:\n\n" + each
    peers = peers_table(runs, result)
    if peers:
        text += "\nOther services, all on the same machine and disk; \"x 3\": holdfast does three times as many.\n\n"
        text += peers + "\n"
        text += "".join(f"- {one['title']}: {one['note']}.\n" for key, one in result["peers"].items()
                        if key not in result["skipped"])
        text += "- Consul is not among Debian's packages, and was not measured.\n"
    if name:
        text += f"\n![throughput]({name}-throughput.svg)\n![latency]({name}-latency.svg)\n"
    return text


def series(runs, result, figure, points):
    """Lines for a plot: by title, (workers, median, least, greatest)."""
    names = [("floor", "floor"), ("holdfast", "holdfast")]
    names += [(name, one["title"]) for name, one in result["peers"].items()]
    lines = {}
    for who, title in names:
        line = []
        for load, workers in points:
            values = runs.values(who, load, figure)
            if values:
                line.append((workers, statistics.median(values), min(values), max(values)))
        if line:
            lines[title] = line
    return lines


def plots(result):
    """The names of files, and what is in them."""
    runs = Runs(result)
    points = [(load.name, load.plot) for load in loads.LOADS if load.plot]
    rate = series(runs, result, "per_second", points)
    half = series(runs, result, "p50_ms", points)
    most = series(runs, result, "p99_ms", points)
    if not rate:
        return {}
    return {"throughput": plot.draw([("Requests a second (a cycle is two)", rate)]),
            "latency": plot.draw([("Acquire, p50, ms", half), ("Acquire, p99, ms", most)])}


def publish(path, text, drawn, name):
    """Between the marks in the README. Its plots always have the same names, beside it: the repository
    has those of one run."""
    readme = open(path).read()
    begin, end = readme.find(MARKS[0]), readme.find(MARKS[1])
    if begin < 0 or end < begin:
        raise SystemExit(f"{path} has no lines \"{MARKS[0]}\" and \"{MARKS[1]}\"")
    plots = os.path.join(os.path.dirname(path), "plots")
    if drawn:
        os.makedirs(plots, exist_ok=True)
    for what, drawing in drawn.items():
        text = text.replace(f"({name}-{what}.svg)", f"(plots/{what}.svg)")
        with open(os.path.join(plots, f"{what}.svg"), "w") as out:
            out.write(drawing)
    with open(path, "w") as file:
        file.write(readme[: begin + len(MARKS[0])] + "\n\n" + text + "\n" + readme[end:])


def write(result, folder, readme=None):
    rows = row_results(Runs(result))
    result["rows"] = rows
    name = result["date"].replace(":", "").replace("-", "") + "-" + result["commit"]
    drawn = plots(result)
    text = markdown(result, rows, name if drawn else None)
    files = {f"{name}.json": json.dumps(result, indent=1) + "\n", f"{name}.md": text}
    files.update({f"{name}-{what}.svg": drawing for what, drawing in drawn.items()})
    for file, content in files.items():
        with open(os.path.join(folder, file), "w") as out:
            out.write(content)
    print(text)
    print(f"Written: {', '.join(files)} in {os.path.relpath(folder)}")
    if readme:
        publish(readme, text, drawn, name)


if __name__ == "__main__":
    with open(sys.argv[1]) as results:
        write(json.load(results), os.path.dirname(os.path.abspath(sys.argv[1])))
