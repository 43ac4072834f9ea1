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
    return (f"{row['what']:<58} {row['ours']:9.4g} {peer} {row['unit']:<8} {row['ratio']:7.3f} "
            f"[{row['low']:.3f}, {row['high']:.3f}] {sign} {row['aim']:<5g} {'met' if row['met'] else 'MISSED':<7}"
            f"{row['peer_name']}" + (f" ({row['note']})" if row["note"] else ""))


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
    """The table for a README."""
    lines = ["| what | SAGES | peer | ratio (range) | aim |", "|---|---|---|---|---|"]
    for row in rows:
        sign = "≤" if row["smaller"] else "≥"
        lines.append(
            f"| {row['what']} | {row['ours']:.4g} {row['unit']} | {row['peer_name']}: {row['peer']:.4g} {row['unit']} "
            f"| {row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f}) | {sign} {row['aim']:g} "
            f"{'met' if row['met'] else '**missed**'} |")
    return "\n".join(lines) + "\n"


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
    met = sum(row["met"] for row in rows)
    return "\n".join(head + [line(row) for row in rows] + ["", f"{met} of {len(rows)} aims met"])


def draw(folder, rows):
    """roofline.png and peers.png, by gnuplot, where it is installed."""
    if not shutil.which("gnuplot"):
        print("compare.sh: no picture, for there is no gnuplot", file=sys.stderr)
        return
    bench = subprocess.run([os.environ["SAGES_BENCH"], "conv", "--json"], capture_output=True, text=True)
    memory = subprocess.run([os.environ["SAGES_BENCH"], "memory", "--json"], capture_output=True, text=True)
    script = os.path.join(folder, "peers.gnuplot")
    with open(script, "w") as file:
        file.write(picture(rows, json.loads(bench.stdout)["results"], json.loads(memory.stdout)["results"],
                           os.path.join(folder, "peers.png")))
    subprocess.run(["gnuplot", script], check=True)
    print(f"compare.sh: {os.path.join(folder, 'peers.png')}", file=sys.stderr)


COLORS = {"ours": "#1f5fa8", "peer": "#c9c9c9", "text": "#303030"}


def picture(rows, kernels, limits, output):
    """A gnuplot script with its data: rooflines with our kernels at the left, rates beside peers' at the right."""
    bandwidth = {r["label"].split("(")[1].rstrip(")"): r["median"] for r in limits if r["label"].startswith("triad")}
    peak = next(r["median"] for r in limits if "float32" in r["label"])
    points = [(r["arithmeticIntensity"], r["median"], r["label"]) for r in kernels if "arithmeticIntensity" in r]
    bars = [row for row in rows if not row["smaller"]]
    short = [label(row["what"]) for row in bars]
    text = ["$kernels << END"]
    text += [f"{x} {y} \"{name}\"" for x, y, name in points] + ["END", "$bars << END"]
    text += [f"{index} {row['ratio']} {row['low']} {row['high']} {row['aim']} {1 if row['met'] else 0} \"{name}\""
             for index, (row, name) in enumerate(zip(bars, short))] + ["END"]
    roofs = ", ".join(
        f"min({peak}, {rate} * x) with lines linewidth 1.5 linecolor rgb '{color}' title '{name}: {rate:.0f} GB/s'"
        for (name, rate), color in zip(bandwidth.items(), ["#d8b365", "#8c6d31", "#5ab4ac", "#01665e"]))
    count = len(bars)
    text.append(f"""
min(a, b) = a < b ? a : b
set terminal pngcairo noenhanced size 2000,{max(900, 34 * count + 160)} font 'DejaVu Sans,10' fontscale 1.5 linewidth 1.6
set output '{output}'
set multiplot
set border 3 linecolor rgb '#606060'
set tics nomirror textcolor rgb '{COLORS["text"]}'
set grid back linecolor rgb '#e4e4e4'
set origin 0,0.06
set size 0.46,0.88
set title 'One core: convolutions under the roofline (float32)' font ',12'
set logscale xy
set xrange [0.25:2000]
set yrange [4:{1.6 * peak}]
set xlabel 'arithmetic intensity, FLOP a byte'
set ylabel 'GFLOP/s'
set key bottom right
plot {roofs}, {peak} with lines linecolor rgb '#606060' dashtype 2 title 'multiply-add peak: {peak:.0f} GFLOP/s', \\
    $kernels using 1:2 with points pointtype 7 pointsize 1.3 linecolor rgb '{COLORS["ours"]}' title 'kernels of SAGES'
unset logscale
set origin 0.46,0
set size 0.54,1
set title 'Ratio to the peer and its range; x: aim; red: missed' offset -16,0 font ',12'
set logscale x
set xrange [0.1:*]
set yrange [{count - 0.4}:-0.6]
set xlabel 'ratio; more is better'
unset ylabel
set lmargin 52
unset key
set boxwidth 0.7
set style fill solid 1 noborder
set arrow 1 from 1,graph 0 to 1,graph 1 nohead linecolor rgb '#606060' dashtype 2
plot $bars using (0.1):0:(0.1):2:($0-0.34):($0+0.34):($6 == 1 ? 0x1f5fa8 : 0xc0504d):ytic(7) with boxxyerror linecolor rgb variable, \\
    $bars using 2:0:3:4 with xerrorbars pointtype 0 linecolor rgb '#202020', \\
    $bars using 5:0 with points pointtype 2 pointsize 0.9 linecolor rgb '#202020'
unset multiplot
set output
""")
    return "\n".join(text)


def label(what):
    return what.replace("conv3d ", "conv ").replace("simulation of ", "").replace(" a rank", "")
