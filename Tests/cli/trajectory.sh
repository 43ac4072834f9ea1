#!/bin/bash
#
# Import, export, info and plot on a small trajectory that is made here. Needs gnuplot.
#
# Wall time  30 seconds

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
command -v gnuplot > /dev/null || skip "gnuplot is not installed"

# A simple cubic crystal, 4 x 4 x 4 atoms 2.5 A apart, that vibrates: 20 frames.
python3 - << 'END'
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
from_dump=(--elements C --timestep 0.0005)

# Expects of the JSON just printed what Python's `assert` of an expression in `result` says: expect_json EXPRESSION
expect_json() {
    cp "$output" result.json
    expect "$1 of $(tr --delete '\n' < result.json | head --bytes=300)" \
        python3 -c "import json; result = json.load(open('result.json')); assert $1"
}

expect_status 0 "$SAGES" import crystal.lammpstrj "${from_dump[@]}" --out crystal.h5
expect_output "20 frames (steps 0 to 190) of 64 atoms (C), with velocities"
expect_status 0 "$SAGES" import crystal.lammpstrj "${from_dump[@]}" --every 2 --out half.h5 --json
expect_json '(result["frames"], result["atoms"], result["elements"]) == (10, 64, ["C"])'
expect_status_on 3 0 "$SAGES" import crystal.lammpstrj "${from_dump[@]}" --out three.h5
expect "import on 3 ranks writes the same bytes" cmp crystal.h5 three.h5

expect_status 0 "$SAGES" info crystal.h5
expect_output "particle trajectory (H5MD)"
expect_output "/particles/all/position/value"
expect_output "Provenance"
expect_status 0 "$SAGES" info crystal.h5 --json
expect_json '(result["kind"], result["details"]["frames"], result["details"]["atoms"],
    result["provenance"]["sources"]) == ("trajectory", 20, 64, "crystal.lammpstrj")'

# A round trip through text keeps every digit.
expect_status 0 "$SAGES" export crystal.h5 --format extxyz --out again.xyz
expect_status 0 "$SAGES" import again.xyz --out again.h5
expect "extended XYZ keeps positions" h5diff crystal.h5 again.h5 /particles/all/position/value
expect "extended XYZ keeps velocities" h5diff crystal.h5 again.h5 /particles/all/velocity/value
expect_status 0 "$SAGES" export crystal.h5 --format lammpstrj --out again.lammpstrj
expect_status 0 "$SAGES" import again.lammpstrj "${from_dump[@]}" --out again.h5
expect "a dump keeps positions" h5diff crystal.h5 again.h5 /particles/all/position/value
expect "a dump keeps velocities" h5diff crystal.h5 again.h5 /particles/all/velocity/value
expect_status 0 "$SAGES" export crystal.h5 --format csv --out crystal.csv --frames 3:5
expect "two frames are two lines of CSV" test "$(wc --lines < crystal.csv)" -eq 3
expect_status 0 "$SAGES" export crystal.h5 --format xdmf --out crystal.xdmf
expect "the XDMF is XML" python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("crystal.xdmf")'

# Figures, alone and beside a reference.
expect_status 0 "$SAGES" plot crystal.h5 --out plots
cp "$output" titles
# Neighbors in the lattice are 2.5 A apart.
expect "the highest peak of g(r) is the lattice's" grep --extended-regexp --quiet 'rdf.png: .* at (2\.[345]|3\.[56])' titles
for name in temperature rdf motion slice; do
    expect "plots/$name.png shows something" test "$(stat --format=%s "plots/$name.png")" -gt 10000
done
expect_status 0 "$SAGES" plot crystal.h5 --reference half.h5 --out plots --format svg --json
# <v^2> = 3 x 50 (A/ps)^2 for atoms of 12.011 u.
expect_json '0 < result["rdf_largest_difference"] < 20 and 700 < result["mean_temperature_K"] < 750'

# What is wrong is named, with the status of its kind, and leaves no file.
expect_status 64 "$SAGES" import crystal.lammpstrj --elements Xq --out no.h5
expect_message "no chemical element"
expect_status 64 "$SAGES" import crystal.h5 --out crystal.h5
expect_status 66 "$SAGES" import missing.lammpstrj --out no.h5
expect_message_once missing.lammpstrj
head --bytes=5000 crystal.lammpstrj > cut.lammpstrj
expect_status 65 "$SAGES" import cut.lammpstrj "${from_dump[@]}" --out no.h5
expect_message_once cut.lammpstrj
expect_status 74 "$SAGES" import crystal.lammpstrj "${from_dump[@]}" --out no/such/folder.h5
head --bytes=3000 crystal.h5 > cut.h5
echo "no HDF5" > foreign.h5
for file in cut.h5 foreign.h5; do
    expect_status 65 "$SAGES" info "$file"
    expect_message_once "$file"
    expect_status 65 "$SAGES" plot "$file" --out plots
done
expect_status 66 "$SAGES" info missing.h5
expect_status 64 "$SAGES" export crystal.h5 --format extxyz --out no.xyz --frames 5:3
expect_status 64 "$SAGES" export crystal.h5 --format extxyz --out no.xyz --frames 0:99
expect "nothing is left of what failed" test -z "$(find . -name '*no.*')"

finish
