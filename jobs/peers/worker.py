"""The protocol of `sages-bench serve`, for peers in Python: one command a line, one answer a line."""

import sys
import time


def serve(make):
    """Answers commands on standard input until it ends.

    make(name) gives an object with `work`, `call()`, and optionally `losses(count)`.
    """
    answers = sys.stdout
    # Whatever a library prints must not look like an answer.
    sys.stdout = sys.stderr
    cases = {}
    seconds_of = {}
    for line in sys.stdin:
        words = line.split()
        try:
            name = words[1]
            if name not in cases:
                cases[name] = make(name)
            case = cases[name]
            if words[0] == "open":
                answer = f"work={case.work}"
            elif words[0] == "time":
                answer = measure(case, seconds_of, name, float(words[2]))
            elif words[0] == "calls":
                answer = f"seconds={run(case, int(words[2])) / int(words[2])!r} calls={words[2]}"
            elif words[0] == "losses":
                answer = " ".join(repr(loss) for loss in case.losses(int(words[2])))
            else:
                raise ValueError(f"unknown command {line!r}")
            print("ok", answer, file=answers, flush=True)
        except Exception as error:
            print("error", type(error).__name__, str(error).replace("\n", " ")[:500], file=answers, flush=True)


def run(case, calls):
    start = time.perf_counter()
    for _ in range(calls):
        case.call()
    return time.perf_counter() - start


def measure(case, seconds_of, name, seconds):
    if name not in seconds_of:
        run(case, 2)
        seconds_of[name] = run(case, 2) / 2
    calls = max(1, round(seconds / seconds_of[name]))
    elapsed = run(case, calls)
    seconds_of[name] = elapsed / calls
    return f"seconds={elapsed / calls!r} calls={calls}"
