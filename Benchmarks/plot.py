"""Plots as SVG. Needs matplotlib, see requirements.txt: `scripts/venv Benchmarks` installs it under .build."""
import matplotlib

matplotlib.use("svg")
# The same data make the same file; text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "rr", "svg.fonttype": "none", "font.size": 9, "axes.grid": True,
                            "grid.alpha": 0.3, "legend.frameon": False, "axes.spines.top": False,
                            "axes.spines.right": False})
import matplotlib.pyplot as pyplot  # noqa: E402  (after the backend is chosen)


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def latency(path, title, curves):
    """`curves`: pairs of a name and points (1 / (1 - share), microseconds)."""
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    most = 10.0
    for name, points in curves:
        axes.plot([x for x, _ in points], [y for _, y in points], label=name, drawstyle="steps-post")
        most = max(most, points[-1][0])
    axes.set(xscale="log", yscale="log", title=title, xlabel="percentile", ylabel="latency, µs", xlim=(1, most))
    ticks = [x for x in (1, 2, 10, 100, 1000, 10000, 100000, 1000000) if x <= most]
    names = {1: "0", 2: "50"}
    axes.set_xticks(ticks, [names.get(x) or f"{100 - 100 / x:g}" for x in ticks])
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.legend()
    save(figure, path)


def growth(path, title, unit, lines, value_unit="CPU of the server, µs a request", memory=None):
    """`lines`: pairs of a name and points (x, y); `memory`: points (x, MiB) for a second plot beside the first."""
    figure, plots = pyplot.subplots(1, 2 if memory else 1, figsize=(8 if memory else 5, 3.2), squeeze=False)
    axes = plots[0][0]
    for name, points in lines:
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3, label=name)
    values = [y for _, points in lines for _, y in points]
    # On a scale of its own a flat curve looks steep: logarithms only for what grows by more than they hide.
    axes.set(xscale="log", title=title, xlabel=unit, ylabel=value_unit,
             **(dict(yscale="log") if max(values) > 10 * min(values) else dict(ylim=(0, None))))
    axes.legend()
    if memory:
        axes = plots[0][1]
        axes.plot([x for x, _ in memory], [y for _, y in memory], marker="o", markersize=3, label="rr")
        axes.set(xscale="log", title="memory", xlabel=unit, ylabel="resident, MiB", ylim=(0, None))
    save(figure, path)


def timeline(path, title, series, marks=()):
    """`series`: rows of (y label, points (seconds, y)), one plot under the other; `marks`: (from, to, name)."""
    figure, plots = pyplot.subplots(len(series), 1, figsize=(7, 1.6 * len(series) + 0.6), sharex=True, squeeze=False)
    for axes, (label, points) in zip(plots[:, 0], series):
        axes.plot([x for x, _ in points], [y for _, y in points])
        axes.set(ylabel=label, ylim=(0, None))
        for start, end, _ in marks:
            axes.axvspan(start, end, alpha=0.12, color="tab:red")
    plots[0][0].set_title(title)
    plots[-1][0].set_xlabel("seconds")
    save(figure, path)
