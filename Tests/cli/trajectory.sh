#!/bin/bash
# Checks of import, export, info and plot on a small trajectory made here. Takes about ten seconds; needs gnuplot.
# Usage: SAGES=path/to/sages bash Tests/cli/trajectory.sh
set -uo pipefail

: "${SAGES:?set SAGES to the built program}"
SAGES=$(realpath "$SAGES")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

status() {
    local expected=$1
    shift
    "$SAGES" "$@" >out 2>err
    local got=$?
    [ "$got" -eq "$expected" ] || fail "sages $*: exit status $got, not $expected; $(head -2 err)"
}

says() { grep --quiet --fixed-strings -- "$2" "$1" || fail "'$2' is missing in: $(head -3 "$1")"; }

# A simple cubic crystal, 4 x 4 x 4 atoms 2.5 A apart, that vibrates: 20 frames.
python3 - <<'END'
import math
with open("crystal.lammpstrj", "w") as dump:
    for frame in range(20):
        dump.write(f"ITEM: TIMESTEP\n{10 * frame}\nITEM: NUMBER OF ATOMS\n64\n")
        dump.write("ITEM: BOX BOUNDS pp pp pp\n" + "0.0 10.0\n" * 3)
        dump.write("ITEM: ATOMS id type x y z vx vy vz\n")
        for atom in range(64):
            lattice = [2.5 * (atom // 16) + 1, 2.5 * (atom // 4 % 4) + 1, 2.5 * (atom % 4) + 1]
            phase = [atom * (axis + 1) * 1.7 + 0.5 * frame for axis in range(3)]
            place = [r + 0.1 * math.sin(p) for r, p in zip(lattice, phase)]
            velocity = [10 * math.cos(p) for p in phase]
            dump.write(f"{atom + 1} 1 " + " ".join(f"{v:.6f}" for v in place + velocity) + "\n")
END

status 0 import crystal.lammpstrj --elements C --timestep 0.0005 --out crystal.h5
says out "20 frames (steps 0 to 190) of 64 atoms (C), with velocities"
status 0 import crystal.lammpstrj --elements C --timestep 0.0005 --every 2 --out half.h5 --json
python3 -c '
import json
result = json.load(open("out"))
assert (result["frames"], result["atoms"], result["elements"]) == (10, 64, ["C"]), result' || fail "import --json: $(cat out)"

status 0 info crystal.h5
says out "particle trajectory (H5MD)"
says out "/particles/all/position/value"
says out "Provenance"
status 0 info crystal.h5 --json
python3 -c '
import json
result = json.load(open("out"))
assert result["kind"] == "trajectory" and result["details"]["frames"] == 20 and result["details"]["atoms"] == 64
assert result["provenance"]["sources"] == "crystal.lammpstrj"' || fail "info --json: $(head -5 out)"

# A round trip through text keeps every digit.
for format in extxyz lammpstrj; do
    status 0 export crystal.h5 --format "$format" --out "again.$format"
    if [ "$format" = extxyz ]; then
        status 0 import again.extxyz --out again.h5
    else
        status 0 import again.lammpstrj --timestep 0.0005 --elements C --out again.h5
    fi
    if command -v h5diff >/dev/null; then
        h5diff crystal.h5 again.h5 /particles >h5diff.txt 2>&1 || fail "$format changed the trajectory: $(head -3 h5diff.txt)"
    fi
done
status 0 export crystal.h5 --format csv --out crystal.csv --frames 3:5
[ "$(wc --lines <crystal.csv)" -eq 3 ] || fail "two frames as CSV have $(wc --lines <crystal.csv) lines"
status 0 export crystal.h5 --format xdmf --out crystal.xdmf
python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("crystal.xdmf")' || fail "the XDMF is no XML"

# The same bytes from any number of ranks.
if command -v mpirun >/dev/null; then
    read -r -a launcher <<<"mpirun ${SAGES_MPIRUN_OPTIONS:---oversubscribe}"
    timeout 60 "${launcher[@]}" -n 3 "$SAGES" import crystal.lammpstrj --elements C --timestep 0.0005 --out three.h5 \
        >out 2>err || fail "import on 3 ranks: $(head -3 err)"
    cmp crystal.h5 three.h5 || fail "import on 3 ranks writes other bytes"
fi

# Figures, alone and beside a reference.
status 0 plot crystal.h5 --out plots
for name in temperature rdf motion slice; do
    [ "$(stat --format=%s "plots/$name.png" 2>/dev/null || echo 0)" -gt 10000 ] || fail "plots/$name.png shows nothing"
done
says out "at 2.53"
status 0 plot crystal.h5 --reference half.h5 --out plots --format svg --json
python3 -c '
import json
result = json.load(open("out"))
assert 0 < result["rdf_largest_difference"] < 20 and result["mean_temperature_K"] > 1000, result' ||
    fail "plot --json: $(head -5 out)"

# What is wrong is named, with the status of its kind.
status 64 import crystal.lammpstrj --elements Xq --out no.h5
says err "no chemical element"
status 64 import crystal.h5 --out crystal.h5
status 66 import missing.lammpstrj --out no.h5
head --bytes 5000 crystal.lammpstrj >cut.lammpstrj
status 65 import cut.lammpstrj --elements C --timestep 0.0005 --out no.h5
says err "cut.lammpstrj"
status 74 import crystal.lammpstrj --elements C --timestep 0.0005 --out no/such/folder.h5
head --bytes 3000 crystal.h5 >cut.h5
status 65 info cut.h5
status 65 plot cut.h5 --out plots
status 64 export crystal.h5 --format extxyz --out no.xyz --frames 5:3
status 64 export crystal.h5 --format extxyz --out no.xyz --frames 0:99
[ -z "$(find . -name '*no.h5*')" ] || fail "a failed import left a file"

[ "$failures" -eq 0 ] && echo "trajectory: all checks passed"
exit "$((failures > 0))"
