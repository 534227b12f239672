"""Arithmetic and layout of results: percentiles of histograms, medians of ratios, tables."""
import statistics


def merged(histograms):
    """One histogram of several: sorted pairs of nanoseconds and count."""
    total = {}
    for histogram in histograms:
        for value, count in histogram:
            total[value] = total.get(value, 0) + count
    return sorted(total.items())


def percentile(histogram, share):
    """In nanoseconds: what `share` (0 to 1) of all values are at most."""
    total = sum(count for _, count in histogram)
    seen = 0
    for value, count in histogram:
        seen += count
        if seen >= share * total:
            return value
    return 0


def curve(histogram):
    """Points (1 / (1 - share), microseconds), where share of all values are below; as many as a plot can show."""
    total = sum(count for _, count in histogram)
    seen, points = 0, []
    for value, count in histogram:
        x, y = total / (total - seen), value / 1e3
        if not points or x > 1.02 * points[-1][0] or y > 1.02 * points[-1][1] or seen + count == total:
            points.append((round(x, 3), y))
        seen += count
    return points


def median_ratio(ours, theirs):
    """Of slices that ran side by side: a machine that drifts drifts for both."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def mark(ratio, wanted, most):
    """A ratio and whether it is what is wanted, if anything: at most that, or at least."""
    if not wanted:
        return f"{ratio:.2f}"
    return f"{ratio:.2f} {'✓' if (ratio <= wanted if most else ratio >= wanted) else '✗'} ({'≤' if most else '≥'} {wanted})"


def table(head, rows):
    """A markdown table; numbers to the right."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    def line(row):
        return "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))) + " |"
    rule = "| " + " | ".join("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)) + " |"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def size(count):
    """Bytes, for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} GiB"


def machine(result):
    """A list of what the numbers depend on."""
    return "".join(f"- {key}: {text}\n" for key, text in result["machine"].items())
