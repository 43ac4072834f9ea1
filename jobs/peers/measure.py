"""Interleaved measurements and what is made of them."""

import statistics


class Settings:
    def __init__(self, quick):
        self.repeats = 7
        self.slice = 0.02 if quick else 0.05
        self.step_slice = 0.1 if quick else 0.25
        self.quick = quick


def interleaved(settings, contestants, slice_seconds):
    """Times contestants in turn, A B A B ...: for each, the seconds of a call in every round.

    A contestant is a function of the seconds to spend.
    """
    rounds = [[] for _ in contestants]
    for contestant in contestants:
        contestant(slice_seconds)
    for number in range(settings.repeats):
        # Every other round the other way round, so that none always follows the same neighbor.
        order = range(len(contestants)) if number % 2 == 0 else reversed(range(len(contestants)))
        for index in order:
            rounds[index].append(contestants[index](slice_seconds))
    return rounds


def at_once(*timings):
    """A contestant of several programs that run the same case at the same time: their mean seconds of a call."""

    def contestant(seconds):
        for program, case in timings:
            program.start_timing(case, seconds)
        return statistics.mean(program.timing() for program, _ in timings)

    return contestant


def alone(program, case):
    return lambda seconds: program.time(case, seconds)


class Row:
    """One line of the table: what, our figure, the peer's, their ratio by rounds, the aim; without one, none is met."""

    def __init__(self, section, what, unit, ours, peer, peer_name, ratios, aim, note="", smaller=False):
        self.section, self.what, self.unit, self.peer_name, self.aim, self.note = section, what, unit, peer_name, aim, note
        self.ours, self.peer = statistics.median(ours), statistics.median(peer) if peer else None
        ordered = sorted(ratios)
        self.ratio, self.low, self.high = statistics.median(ordered), ordered[0], ordered[-1]
        self.repeats = len(ordered)
        self.met = None if aim is None else self.ratio <= aim if smaller else self.ratio >= aim
        self.smaller = smaller

    @classmethod
    def faster(cls, section, what, unit, work, ours, peer, peer_name, aim, note=""):
        """From seconds by rounds: rates work / seconds, and ours over the peer's."""
        return cls(section, what, unit, [work / t for t in ours], [work / t for t in peer], peer_name,
                   [theirs / mine for mine, theirs in zip(ours, peer)], aim, note)

    def values(self):
        return {key: getattr(self, key) for key in (
            "section", "what", "unit", "ours", "peer", "peer_name", "ratio", "low", "high", "repeats", "aim", "smaller",
            "met", "note")}


def fastest(settings, program, cases):
    """The case with the least median of three short slices, and the medians; cases that fail are left out, with why."""
    medians, failures = {}, {}
    for case in cases:
        try:
            program.open(case)
            program.time(case, settings.slice)
            medians[case] = statistics.median(program.time(case, settings.slice) for _ in range(3))
        except Exception as error:
            failures[case] = str(error)[:200]
    if not medians:
        raise RuntimeError(f"no form works: {failures}")
    return min(medians, key=medians.get), medians, failures
