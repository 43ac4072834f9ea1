"""The sections of the comparison: each measures some rows of the table."""

import os
import statistics
import tempfile

import measure
import torch_convolution
from measure import Row, alone, at_once
from programs import Distributed, Failure, Lammps, Python, RawWrite, Sages

CONVOLUTIONS = [(8, 64), (16, 48), (32, 32), (64, 24)]


def convolution(settings, log):
    """conv3d forward, backward-data, backward-weights, one thread.

    The aims judge the kernel that runs by default (`model.convolution: automatic`, which is Winograd's algorithm from
    eight channels on); the direct kernel's rows stand beside it, with their ratios and without an aim.
    """
    ours, peer = Sages(), Python("torch_convolution.py")
    rows = []
    try:
        for channels, cells in CONVOLUTIONS:
            for direction in ("forward", "data", "weights"):
                name = f"conv:{channels}:{cells}:{direction}"
                default, direct = f"{name}:automatic", f"{name}:direct"
                work = ours.open(direct)["work"]
                ours.open(default)
                forms = [f"{name}:{form}" for form in torch_convolution.FORMS[direction]]
                best, medians, _ = measure.fastest(settings, peer, forms)
                note = best.split(":")[-1]
                mine, plain, theirs = measure.interleaved(
                    settings, [alone(ours, default), alone(ours, direct), alone(peer, best)], settings.slice)
                for seconds, algorithm, aim in [(mine, "default", 1.5), (plain, "direct", None)]:
                    rows.append(Row.faster(
                        "conv", f"conv3d {channels} channels, {cells}^3, {direction}, {algorithm}", "GFLOP/s", 1e-9 * work,
                        seconds, theirs, "PyTorch", aim, note))
                    log(rows[-1])
    finally:
        ours.close()
        peer.close()
    return rows


ENERGY_FORMS = ["loop", "gather", "batched"]


def training(settings, log):
    """Whole training steps: same weights, same samples, and losses that agree."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows.append(training_alone(settings, log, folder, "energy", ENERGY_FORMS, "training step, base SAGESnet", 1.3))
        rows.append(training_alone(settings, log, folder, "dense", ["dense_concatenated", "dense_padded"], "training step, dense SAGESnet 24^3", 1.0))
        rows.append(training_together(settings, log, folder))
    return rows


def check_losses(ours, peer, what):
    """Float32 accuracy: losses of the first step agree to 1e-5, later ones to 1e-3 as rounding grows."""
    for step, (mine, theirs) in enumerate(zip(ours, peer)):
        difference = abs(mine - theirs) / abs(mine)
        if not difference <= (1e-5 if step == 0 else 1e-3):
            raise RuntimeError(f"{what}: the losses of step {step + 1} differ: {mine} and {theirs}")
    return max(abs(mine - theirs) / abs(mine) for mine, theirs in zip(ours, peer))


def training_alone(settings, log, folder, form, forms, what, aim):
    case = f"train:{form}:32:{5 if form == 'energy' else 6}"
    ours, peer = Sages(), Python("torch_step.py")
    try:
        path = os.path.join(folder, f"{form}.h5")
        ours.open(case)
        ours.ask("export", case, path)
        expected = ours.losses(case, 5)
        cases = [f"train:{path}:{name}" for name in forms]
        for name in cases:
            difference = check_losses(expected, peer.losses(name, 5), name)
        best, medians, failures = measure.fastest(settings, peer, cases)
        if not settings.quick:
            # Compiling takes a minute, so only the fastest form is compiled.
            compiled = best + "_compiled"
            try:
                check_losses(expected, peer.losses(compiled, 5), compiled)
                best, more, why = measure.fastest(settings, peer, [best, compiled])
                medians, failures = {**medians, **more}, {**failures, **why}
            except Failure as error:
                failures[compiled] = str(error)
        for name, seconds in medians.items():
            log(f"  PyTorch {name.split(':')[-1]}: {1e3 * seconds:.1f} ms a step")
        for name, reason in failures.items():
            log(f"  PyTorch {name.split(':')[-1]} does not work: {reason}")
        mine, theirs = measure.interleaved(settings, [alone(ours, case), alone(peer, best)], settings.step_slice)
        note = f"{best.split(':')[-1]}; losses of 5 steps agree to {difference:.0e}"
        row = Row.faster("step", f"{what}, 1 process", "steps/s", 1, mine, theirs, "PyTorch", aim, note)
        log(row)
        return row
    finally:
        ours.close()
        peer.close()


def training_together(settings, log, folder):
    case = "train:energy:32:5"
    ours, peer = Sages(ranks=2), Distributed("torch_step.py", 2)
    try:
        path = os.path.join(folder, "energy2.h5")
        ours.open(case)
        ours.ask("export", case, path)
        expected = ours.losses(case, 5)
        cases = [f"train:{path}:{name}" for name in ENERGY_FORMS]
        for name in cases:
            difference = check_losses(expected, peer.losses(name, 5), name)
        best, _, _ = measure.fastest(settings, peer, cases)
        mine, theirs = measure.interleaved(settings, [alone(ours, case), alone(peer, best)], settings.step_slice)
        note = f"{best.split(':')[-1]}, DDP over gloo; losses of 5 steps agree to {difference:.0e}"
        row = Row.faster("step", "training step, base SAGESnet, 2 processes", "steps/s", 1, mine, theirs, "PyTorch DDP",
                         1.5, note)
        log(row)
        return row
    finally:
        ours.close()
        peer.close()


def simulation(settings, log):
    """A simulation step beside the time that its products of matrices take at the rate of our own convolution."""
    ours = Sages()
    rows = []
    try:
        rate = "conv:32:32:forward:direct"
        flops = ours.open(rate)["work"]
        for case, what in [
            ("simulate:energy:32:5", "simulation step, 1,000 atoms"),
            ("simulate:energy:32:15", "simulation step, 27,000 atoms"),
            ("simulate:dense:32:6", "simulation step, dense 24^3 cells"),
        ]:
            opened = ours.open(case)
            mine, reference = measure.interleaved(
                settings, [alone(ours, case), alone(ours, rate)], settings.step_slice)
            bounds = [opened["flops"] * seconds / flops for seconds in reference]
            rows.append(Row.faster("simulation", what, "cells/s", opened["work"], mine, bounds, "kernel-bound time", 0.85,
                                   f"{1e-6 * opened['flops']:.0f} MFLOP a step"))
            log(rows[-1])
    finally:
        ours.close()
    return rows


def scaling(settings, log):
    """Two ranks with twice the work beside two independent serial runs at once."""
    pair, one, other = Sages(ranks=2), Sages(), Sages()
    rows = []
    try:
        for case, what in [
            ("train:energy:32:5", "weak scaling 1 to 2 ranks, training"),
            ("simulate:energy:32:5", "weak scaling 1 to 2 ranks, simulation of 1,000 atoms a rank"),
            ("simulate:energy:32:15", "weak scaling 1 to 2 ranks, simulation of 27,000 atoms a rank"),
        ]:
            for program in (pair, one, other):
                program.open(case)
            mine, theirs = measure.interleaved(
                settings, [alone(pair, case), at_once((one, case), (other, case))], settings.step_slice)
            rows.append(Row.faster("scaling", what, "steps/s", 1, mine, theirs, "2 serial runs", 0.95))
            log(rows[-1])
    finally:
        for program in (pair, one, other):
            program.close()
    return rows


def dynamics(settings, log):
    """Simulated time a CPU second for diamond beside LAMMPS with AIREBO; 5 fs a step beside 0.5 fs."""
    ours = Sages()
    peer = Lammps(cells=5)
    try:
        cases = {"bonds": "simulate:bonds:32:5", "energy": "simulate:energy:32:5"}
        for case in cases.values():
            ours.open(case)
        steps = 5 if settings.quick else 10
        *mine, theirs = measure.interleaved(
            settings, [*(alone(ours, case) for case in cases.values()), lambda seconds: peer.time(None, steps)],
            settings.step_slice)
        rows = []
        for predictor, seconds in zip(cases, mine):
            rows.append(Row(
                "dynamics", f"simulated time, diamond of 1,000 atoms, {predictor}", "ps/s", [0.005 / t for t in seconds],
                [0.0005 / t for t in theirs], "LAMMPS AIREBO", [10 * b / a for a, b in zip(seconds, theirs)], 50,
                f"steps of 5 fs and 0.5 fs; {peer.version}"))
            log(rows[-1])
        return rows
    finally:
        ours.close()
        peer.close()


def reduction(settings, log):
    """The rank-invariant reduction as a share of the training step, beside MPI's own sum of as many float32."""
    pair = Sages(ranks=2)
    try:
        case = "train:energy:32:5"
        count = int(pair.open(case)["work"])
        plain, invariant = f"allreduce:{count}", f"reduce:{count}"
        pair.open(plain)
        pair.open(invariant)
        steps, sums, others = measure.interleaved(
            settings, [alone(pair, case), alone(pair, invariant), alone(pair, plain)], settings.step_slice)
        row = Row("reduction", f"rank-invariant reduction of {count} weights, share of the step", "ms",
                  [1e3 * t for t in sums], [1e3 * t for t in others], "MPI_Allreduce float32",
                  [a / b for a, b in zip(sums, steps)], 0.10, "not overlapped; in the step most of it is", smaller=True)
        log(row)
        return [row]
    finally:
        pair.close()


def communication(settings, log):
    """What of the communication of a step on two ranks is hidden behind its computation, as messages are and where each
    takes 2 ms: the step beside the same work done alone, two at once. Were nothing hidden, a step would be longer by its
    number of exchanges and sums times the delay."""
    pair, one, other = Sages(ranks=2), Sages(), Sages()
    rows = []
    try:
        for case, what in [
            ("train:energy:32:5", "training, 1,000 atoms a rank"),
            ("simulate:energy:32:15", "simulation, 27,000 atoms a rank"),
        ]:
            for program in (pair, one, other):
                program.open(case)
            counts = {key: float(value) for key, value in (word.split("=") for word in pair.ask("counts", case))}
            # Each of two slabs has two neighbors: two messages an exchange.
            rounds = int(counts["collectives"] + counts["messages"] // 2)

            def delayed(seconds, delay=0.002):
                pair.ask("delay", delay)
                try:
                    return pair.time(case, seconds)
                finally:
                    pair.ask("delay", 0)

            together, slow, apart = measure.interleaved(
                settings, [alone(pair, case), delayed, at_once((one, case), (other, case))], settings.step_slice)
            hidden = [1 - (t - a) / (0.002 * rounds) for t, a in zip(slow, apart)]
            rows.append(Row("communication", f"2 ms delay hidden, {what}", "ms", [1e3 * t for t in slow],
                            [1e3 * t for t in apart], "alone, 2 at once", hidden, 0.8,
                            f"{rounds} exchanges and sums a step; without delay "
                            f"{1e3 * statistics.median(together):.2f} ms, of which {1e3 * counts['waits']:.2f} wait for "
                            f"messages and {1e3 * counts['sums']:.2f} for sums"))
            log(rows[-1])
    finally:
        for program in (pair, one, other):
            program.close()
    return rows


def writing(settings, log):
    """Frames of a trajectory on two ranks, flushed, beside raw MPI-IO of the same bytes, synced: on the disk, and in
    memory, where nothing waits for a disk. Both write a few frames in turn, so that a disk that changes its pace meets
    both, into files of the same length, and take room for them alike."""
    rows = []
    places = [("", tempfile.gettempdir())]
    if os.access("/dev/shm", os.W_OK):
        places.append((" in memory", "/dev/shm"))
    for where, parent in places:
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            pair = Sages(ranks=2, environment={"TMPDIR": folder})
            raw = RawWrite(2, os.path.join(folder, "raw"))
            try:
                for atoms, burst, rounds in ((100_000, 4, 21), (1_000_000, 2, 9)):
                    size = int(pair.open(f"write:{atoms}")["work"])
                    # The limit is the fastest of the raw forms.
                    medians = {}
                    for form in ("collective", "independent", "collective-growing", "independent-growing"):
                        raw.calls(f"{form}:{size}", 1)
                        medians[form] = statistics.median(raw.calls(f"{form}:{size}", burst)[0] for _ in range(5))
                    best = min(medians, key=medians.get)
                    both = [(pair, f"write:{atoms}"), (raw, f"{best}:{size}")]
                    for program, case in both:
                        program.calls(case, 2)
                    results = [[], []]
                    for number in range(rounds):
                        for index in (0, 1) if number % 2 == 0 else (1, 0):
                            results[index].append(both[index][0].calls(both[index][1], burst))
                    mine, theirs = ([wall for wall, _ in result] for result in results)
                    busy = [1e3 * statistics.median(processor for _, processor in result) for result in results]
                    rows.append(Row.faster(
                        "writing", f"trajectory write{where}, {atoms:,} atoms a frame, 2 ranks", "MB/s", 1e-6 * size, mine,
                        theirs, "raw MPI-IO", 0.85,
                        f"fsync included; {best}; ratio of medians "
                        f"{statistics.median(theirs) / statistics.median(mine):.2f}; processor time of both ranks "
                        f"{busy[0]:.1f} ms, raw {busy[1]:.1f} ms"))
                    log(rows[-1])
            finally:
                pair.close()
                raw.close()
    return rows


SECTIONS = {
    "conv": convolution, "step": training, "simulation": simulation, "scaling": scaling, "dynamics": dynamics,
    "reduction": reduction, "communication": communication, "writing": writing,
}
