"""Runs the sections of the comparison and prints one table. Started by compare.sh, which sets the environment."""

import argparse
import os
import platform
import subprocess
import sys
import time

import measure
import report
import sections
from programs import Failure


def versions(machine):
    """What is compared, for the head of the table: the machine as sages-bench describes it, and the peers."""
    import numpy
    import torch

    def first_line(command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
            return (done.stdout + done.stderr).strip().splitlines()[0]
        except (OSError, IndexError, subprocess.TimeoutExpired):
            return "not found"

    onednn = next((line.strip("- ") for line in torch.__config__.show().splitlines() if "oneDNN" in line or "MKL-DNN" in line), "")
    return {
        "sages": machine, "torch": torch.__version__, "oneDNN": onednn, "torchThreads": 1, "numpy": numpy.__version__,
        "python": platform.python_version(), "lammps": first_line([os.environ.get("LAMMPS", "lmp"), "-help"]),
        "mpi": machine["mpi"], "date": time.strftime("%Y-%m-%d"),
    }


def main():
    parser = argparse.ArgumentParser(prog="compare.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter slices and no compiled forms")
    parser.add_argument("--only", default="", metavar="SECTION,...",
                        help=f"measure these of {', '.join(sections.SECTIONS)}; others stay as they were measured")
    parser.add_argument("--table", action="store_true", help="print and draw what was measured before")
    arguments = parser.parse_args()
    names = [name for name in arguments.only.split(",") if name] or list(sections.SECTIONS)
    for name in names:
        if name not in sections.SECTIONS:
            parser.error(f"there is no section {name}; there are: {', '.join(sections.SECTIONS)}")
    folder = os.environ["SAGES_PEERS_OUTPUT"]
    settings = measure.Settings(arguments.quick)
    failed = []
    for name in [] if arguments.table else names:
        print(f"{name}:", file=sys.stderr, flush=True)
        started = time.time()
        try:
            rows = sections.SECTIONS[name](settings, report.log)
        except (Failure, OSError, RuntimeError) as error:
            print(f"compare.sh: section {name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        report.save(folder, name, rows, time.time() - started)
    rows = report.load(folder, sections.SECTIONS)
    if rows:
        measured = report.kernels(folder, not arguments.table)
        known = report.about(folder, None if arguments.table else versions(measured["machine"]))
        report.write(folder, rows, known)
        print(report.table(rows, known))
        report.draw(folder, rows, measured)
    if failed or not rows:
        sys.exit(f"compare.sh: no figures of: {', '.join(failed) or 'anything'}")


if __name__ == "__main__":
    main()
