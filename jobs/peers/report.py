"""The table of the comparison: on the terminal, as CSV and JSON, and as a picture."""

import csv
import json
import os
import shutil
import subprocess
import sys


def log(row):
    """A line for somebody who waits."""
    print(row if isinstance(row, str) else "  " + line(row.values()), file=sys.stderr, flush=True)


def line(row):
    peer = f"{row['peer']:9.4g}" if row["peer"] is not None else " " * 9
    sign = "<=" if row["smaller"] else ">="
    aim = f"{'no aim':<16}" if row["aim"] is None else f"{sign} {row['aim']:<5g} {'met' if row['met'] else 'MISSED':<7}"
    return (f"{row['what']:<58} {row['ours']:9.4g} {peer} {row['unit']:<8} {row['ratio']:7.3f} "
            f"[{row['low']:.3f}, {row['high']:.3f}] {aim}{row['peer_name']}" + (f" ({row['note']})" if row["note"] else ""))


def save(folder, name, rows, seconds):
    with open(os.path.join(folder, f"{name}.json"), "w") as file:
        json.dump({"seconds": seconds, "rows": [row.values() for row in rows]}, file, indent=1)


def load(folder, names):
    rows = []
    for name in names:
        path = os.path.join(folder, f"{name}.json")
        if os.path.exists(path):
            with open(path) as file:
                rows += json.load(file)["rows"]
    return rows


def about(folder, versions):
    """What was compared; kept beside the figures."""
    path = os.path.join(folder, "about.json")
    if versions is None:
        with open(path) as file:
            return json.load(file)
    with open(path, "w") as file:
        json.dump(versions, file, indent=1)
    return versions


def write(folder, rows, versions):
    with open(os.path.join(folder, "compare.json"), "w") as file:
        json.dump({"about": versions, "rows": rows}, file, indent=1)
    with open(os.path.join(folder, "compare.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with open(os.path.join(folder, "compare.md"), "w") as file:
        file.write(markdown(rows))


def markdown(rows):
    """The tables for a README: convolutions by algorithm, and the other rows."""
    lines = ["| 3x3x3 convolution, GFLOP/s | PyTorch | default (Winograd) | ratio (aim) | direct | ratio (no aim) |",
             "|---|---|---|---|---|---|"]
    for what, pair in convolutions(rows).items():
        default, direct = pair["default"], pair["direct"]
        lines.append(f"| {what.removeprefix('conv3d ')} | {default['peer']:.0f} | {default['ours']:.0f} "
                     f"| {outcome(default)} | {direct['ours']:.0f} | {direct['ratio']:.2f} |")
    lines += ["", "| what | SAGES | peer | ratio (range) | aim |", "|---|---|---|---|---|"]
    for row in rows:
        if row["section"] == "conv":
            continue
        sign = "≤" if row["smaller"] else "≥"
        lines.append(
            f"| {row['what']} | {row['ours']:.4g} {row['unit']} | {row['peer_name']}: {row['peer']:.4g} {row['unit']} "
            f"| {row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f}) | {sign} {row['aim']:g} "
            f"{'met' if row['met'] else '**missed**'} |")
    return "\n".join(lines) + "\n"


def outcome(row):
    return f"{row['ratio']:.2f} (≥ {row['aim']:g} {'met' if row['met'] else '**missed**'})"


def convolutions(rows):
    """The rows of each convolution by algorithm."""
    pairs = {}
    for row in rows:
        if row["section"] == "conv":
            what, algorithm = row["what"].rsplit(", ", 1)
            pairs.setdefault(what, {})[algorithm] = row
    return pairs


def table(rows, versions):
    sages = versions["sages"]
    head = [
        f"SAGES {sages['version']} ({sages['commit'][:12]}), {sages['flags']}; one thread a rank",
        f"PyTorch {versions['torch']} ({versions['oneDNN']}), one thread a process; {versions['mpi'].split(',')[0]}; "
        f"{sages['processor']}, {sages['processors']} processors; {versions['date']}",
        f"Interleaved, {rows[0]['repeats']} rounds or more; medians, and the ratio's median [least, largest]",
        "",
        f"{'what':<58} {'ours':>9} {'peer':>9} {'unit':<8} {'ratio':>7} {'spread':<14} aim      outcome peer",
    ]
    judged = [row for row in rows if row["aim"] is not None]
    met = sum(row["met"] for row in judged)
    about_aims = ("The aims of convolutions judge the kernel that runs by default (model.convolution: automatic, Winograd's "
                  "algorithm here); the direct kernel is shown beside it.")
    return "\n".join(head + [line(row) for row in rows] + ["", about_aims, f"{met} of {len(judged)} aims met"])


def kernels(folder, is_measuring):
    """The machine, rates of our kernels on it, and its limits; kept beside the figures."""
    path = os.path.join(folder, "kernels.json")
    if is_measuring or not os.path.exists(path):
        results = {}
        for name in ("conv", "memory"):
            bench = subprocess.run([os.environ["SAGES_BENCH"], name, "--json"], capture_output=True, text=True, check=True)
            results["machine"] = json.loads(bench.stdout)
            results[name] = results["machine"].pop("results")
        with open(path, "w") as file:
            json.dump(results, file, indent=1)
    with open(path) as file:
        return json.load(file)


def draw(folder, rows, measured):
    """peers.png, by gnuplot, where it is installed."""
    if not shutil.which("gnuplot"):
        print("compare.sh: no picture, for there is no gnuplot", file=sys.stderr)
        return
    script = os.path.join(folder, "peers.gnuplot")
    with open(script, "w") as file:
        file.write(picture(rows, measured["conv"], measured["memory"], os.path.join(folder, "peers.png")))
    subprocess.run(["gnuplot", script], check=True)
    print(f"compare.sh: {os.path.join(folder, 'peers.png')}", file=sys.stderr)


COLORS = {"peer": "#b8b8b8", "direct": "#7fb2de", "winograd": "#1f5fa8", "bfloat16": "#e0a13c", "missed": "#c0504d",
          "text": "#303030"}


def picture(rows, points, limits, output):
    """A gnuplot script with its data: our kernels under the roofline, convolutions beside PyTorch's, and the other ratios."""
    bandwidth = {r["label"].split("(")[1].rstrip(")"): r["median"] for r in limits if r["label"].startswith("triad")}
    peak = next(r["median"] for r in limits if "float32" in r["label"])
    text = []

    def block(name, lines):
        text.extend([f"${name} << END", *lines, "END"])

    def algorithm(name):
        return next((known for known in ("winograd", "bfloat16") if known in name), "direct")

    for name in ("direct", "winograd", "bfloat16"):
        block(name, [f"{r['arithmeticIntensity']} {r['median']}" for r in points
                     if "arithmeticIntensity" in r and algorithm(r["label"]) == name])
    pairs = convolutions(rows)
    block("conv", [f"{pair['direct']['peer']} {pair['direct']['ours']} {pair['default']['ours']} \"{conv_label(what)}\""
                   for what, pair in pairs.items()])
    bars = [row for row in rows if not row["smaller"] and row["section"] != "conv"]
    block("bars", [f"{row['ratio']} {row['low']} {row['high']} {row['aim']} {1 if row['met'] else 0} \"{label(row)}\""
                   for row in bars])
    roofs = ", ".join(
        f"min({peak}, {rate} * x) with lines linewidth 1.5 linecolor rgb '{color}' title '{name}: {rate:.0f} GB/s'"
        for (name, rate), color in zip(bandwidth.items(), ["#d8b365", "#8c6d31", "#5ab4ac", "#01665e"]))
    clouds = ", ".join(
        f"${name} using 1:2 with points pointtype 7 pointsize 1.2 linecolor rgb '{COLORS[name]}' title '{name}'"
        for name in ("direct", "winograd", "bfloat16") if any(algorithm(r["label"]) == name for r in points))
    text.append(f"""
min(a, b) = a < b ? a : b
set terminal pngcairo noenhanced size 2100,860 font 'DejaVu Sans,10' fontscale 1.4 linewidth 1.5
set output '{output}'
set multiplot
set border 3 linecolor rgb '#606060'
set tics nomirror textcolor rgb '{COLORS["text"]}'
set grid back linecolor rgb '#e4e4e4'
set origin 0,0
set size 0.31,1
set title 'Convolutions under the roofline, one core'
set logscale xy
set xrange [0.25:1000]
set yrange [10:600]
set xlabel 'arithmetic intensity, FLOP a byte'
set ylabel 'GFLOP/s, counted as direct'
set key bottom right
plot {roofs}, {peak} with lines linecolor rgb '#606060' dashtype 2 title 'peak: {peak:.0f} GFLOP/s', \\
    {clouds}
unset logscale
set origin 0.31,0
set size 0.32,1
set title '3x3x3 convolutions, one core'
set xrange [-0.6:{len(pairs) - 0.4}]
set yrange [0:*]
unset xlabel
set ylabel 'GFLOP/s'
set xtics rotate by 60 right
set key top left
set style data histograms
set style histogram clustered gap 1
set style fill solid 1 noborder
plot $conv using 1:xtic(4) linecolor rgb '{COLORS["peer"]}' title 'PyTorch', \\
    '' using 2 linecolor rgb '{COLORS["direct"]}' title 'SAGES, direct', \\
    '' using 3 linecolor rgb '{COLORS["winograd"]}' title 'SAGES, default (Winograd)'
set xtics norotate autofreq
set origin 0.63,0
set size 0.37,1
set title 'Ratio to peer or limit; x: aim; red: missed' offset -10,0
set logscale x
set xrange [0.2:200]
set yrange [{len(bars) - 0.4}:-0.6]
set xlabel 'more is better'
unset ylabel
set lmargin 34
unset key
set arrow 1 from 1,graph 0 to 1,graph 1 nohead linecolor rgb '#606060' dashtype 2
color(met) = met == 1 ? 0x1f5fa8 : 0xc0504d
plot $bars using (0.2):0:(0.2):1:($0-0.34):($0+0.34):(color($5)):ytic(6) with boxxyerror linecolor rgb variable, \\
    '' using 1:0:2:3 with xerrorbars pointtype 0 linecolor rgb '#202020', \\
    '' using 4:0 with points pointtype 2 pointsize 0.9 linecolor rgb '#202020'
unset multiplot
set output
""")
    return "\n".join(text)


def conv_label(what):
    """From "conv3d 8 channels, 64^3, forward" to "8, forward"."""
    _, channels, *_ = what.split()
    return f"{channels}, {what.split(', ')[-1]}"


def label(row):
    what = row["what"].replace("simulation of ", "").replace(" a rank", "").replace(", 1,000 atoms", ", 1k atoms")
    for long, short in [("base SAGESnet, ", ""), ("trajectory write", "write"), (" a frame, 2 ranks", ""),
                        ("weak scaling 1 to 2 ranks", "2 ranks"), (" SAGESnet 24^3, 1 process", " 24^3"),
                        ("simulated time, diamond of 1,000 atoms, ", "MD beside LAMMPS, "), ("1,000,000", "1M"), (",000", "k"), (",000", "k")]:
        what = what.replace(long, short, 1)
    return what
