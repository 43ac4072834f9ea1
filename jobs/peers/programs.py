"""The programs that are measured: each is started once, waits on a pipe, and measures itself when asked."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """A program that ended or answered with an error."""


class Program:
    """A process that speaks the protocol of `sages-bench serve`."""

    def __init__(self, name, command, environment=None):
        self.name = name
        self.messages = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.messages, text=True,
            env={**os.environ, **(environment or {})})

    def send(self, *words):
        try:
            self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"{self.name} has ended: {self.last_words()}") from None

    def receive(self):
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["ok"]:
                return words[1:]
            if words[:1] == ["error"]:
                raise Failure(f"{self.name}: {' '.join(words[1:])}")
        raise Failure(f"{self.name} has ended: {self.last_words()}")

    def last_words(self):
        self.process.wait(timeout=20)
        self.messages.seek(0)
        return self.messages.read()[-600:].strip()

    def ask(self, *words):
        self.send(*words)
        return self.receive()

    def open(self, case):
        """What the program says of the case: its work."""
        return {key: float(value) for key, value in (word.split("=") for word in self.ask("open", case))}

    def start_timing(self, case, seconds):
        self.send("time", case, seconds)

    def timing(self):
        """Seconds of one call."""
        return float(self.receive()[0].split("=")[1])

    def time(self, case, seconds):
        self.start_timing(case, seconds)
        return self.timing()

    def calls(self, case, count):
        """Of one call: wall seconds of the slowest rank, processor seconds of all."""
        answer = dict(word.split("=") for word in self.ask("calls", case, count))
        return float(answer["seconds"]), float(answer["processor"])

    def losses(self, case, count):
        return [float(word) for word in self.ask("losses", case, count)]

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def launched(ranks, command):
    """The command on a number of ranks."""
    return [*os.environ["SAGES_LAUNCH"].replace("RANKS", str(ranks)).split(), *command] if ranks > 1 else command


class Sages(Program):
    def __init__(self, ranks=1, options=(), environment=None):
        super().__init__(f"sages-bench on {ranks} rank{'s' if ranks > 1 else ''}",
                         launched(ranks, [os.environ["SAGES_BENCH"], "serve", *options]), environment)


class RawWrite(Program):
    """Frames written by MPI-IO with nothing around them."""

    def __init__(self, ranks, path):
        super().__init__("raw-write", launched(ranks, [os.environ["SAGES_RAW_WRITE"], path]))


class Python(Program):
    def __init__(self, script, arguments=(), environment=None):
        super().__init__(script, [sys.executable, os.path.join(HERE, script), *arguments], environment)


class Distributed:
    """The same script in several processes, which all get every command; the slowest answer counts."""

    def __init__(self, script, ranks):
        self.folder = tempfile.TemporaryDirectory()
        self.calls = {}
        store = f"file://{self.folder.name}/store"
        self.members = [
            Python(script, [store], {"RANK": str(rank), "WORLD_SIZE": str(ranks)}) for rank in range(ranks)]

    def open(self, case):
        for member in self.members:
            member.send("open", case)
        return [member.receive() for member in self.members][0]

    def time(self, case, seconds):
        """Seconds of one call; the processes must do as many calls, so their number is decided here."""
        if case not in self.calls:
            self.run(case, 3)
            self.calls[case] = max(1, round(seconds / self.run(case, 3)))
        return self.run(case, self.calls[case])

    def run(self, case, calls):
        for member in self.members:
            member.send("calls", case, calls)
        return max(member.timing() for member in self.members)

    def losses(self, case, count):
        for member in self.members:
            member.send("losses", case, count)
        return [[float(word) for word in member.receive()] for member in self.members][0]

    def close(self):
        for member in self.members:
            member.process.stdin.close()
        for member in self.members:
            member.close()
        self.folder.cleanup()


class Lammps:
    """Diamond with AIREBO in LAMMPS on one core, which reads its script from a pipe."""

    def __init__(self, cells):
        self.name = "LAMMPS"
        self.log = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            # Lines as they are written: LAMMPS alone would keep them until it ends.
            ["stdbuf", "-oL", os.environ.get("LAMMPS", "lmp"), "-log", "none", "-nocite"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=self.log.name)
        potential = os.environ["SAGES_AIREBO"]
        self.version = ""
        for line in f"""
            units metal
            boundary p p p
            lattice diamond 3.567
            region crystal block 0 {cells} 0 {cells} 0 {cells}
            create_box 1 crystal
            create_atoms 1 box
            mass 1 12.011
            pair_style airebo 3.0 1 1
            pair_coeff * * {potential} C
            velocity all create 2000 1 mom yes rot no dist gaussian loop geom
            timestep 0.0005
            fix integrator all nve
            thermo 1000000
            run 20
        """.strip().splitlines():
            self.process.stdin.write(line.strip() + "\n")
        self.process.stdin.flush()
        self.loop()

    def loop(self):
        """Seconds and steps of the next run that ends."""
        for line in self.process.stdout:
            if line.startswith("LAMMPS ("):
                self.version = line.strip()
            if line.startswith("ERROR"):
                raise Failure(f"LAMMPS: {line.strip()}")
            found = re.match(r"Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", line)
            if found:
                self.atoms = int(found[3])
                return float(found[1]), int(found[2])
        raise Failure("LAMMPS has ended")

    def time(self, case, steps):
        """Seconds of one step."""
        self.process.stdin.write(f"run {steps}\n")
        self.process.stdin.flush()
        seconds, done = self.loop()
        return seconds / done

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.log.cleanup()
