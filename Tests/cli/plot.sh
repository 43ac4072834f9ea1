#!/bin/bash
#
# Figures of training metrics: formats, kept scripts, errors. Needs gnuplot.
#
# Wall time  20 seconds

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
command -v gnuplot > /dev/null || skip "gnuplot is not installed"

{
    echo "step,loss,learningRate,validationLoss"
    for step in {1..200}; do
        validation=
        ((step % 50 == 0)) && validation=0.$((900 - 4 * step))
        echo "$step,0.$((999 - 4 * step)),0.001,$validation"
    done
} > metrics.csv

expect_status 0 "$SAGES" plot --metrics metrics.csv --out deep/folder --scripts
expect_output "The loss falls from 0.995 to 0.199 in 200 steps"
expect "loss.png is a PNG" \
    test "$(head --bytes=8 deep/folder/loss.png | od --address-radix=n --format=x1 | tr --delete ' \n')" = 89504e470d0a1a0a
expect "loss.png shows something" test "$(stat --format=%s deep/folder/loss.png)" -gt 20000
expect "no other file is left" test "$(ls -A deep/folder)" = "$(printf 'loss.gnuplot\nloss.png')"
rm deep/folder/loss.png
expect "the kept script runs" gnuplot deep/folder/loss.gnuplot
expect "the kept script draws the picture again" test -s deep/folder/loss.png

expect_status 0 "$SAGES" plot --metrics metrics.csv --out svg --format svg --json
cp "$output" plot.json
expect "the SVG is XML, and the JSON names it" python3 - << 'END'
import json, xml.dom.minidom
files = json.load(open("plot.json"))["files"]
assert [file["file"] for file in files] == ["svg/loss.svg"], files
xml.dom.minidom.parse("svg/loss.svg")
END

# Half a line at the end is of a run that goes on; anywhere else it is an error with its line.
printf '201,0.1' >> metrics.csv
expect_status 0 "$SAGES" plot --metrics metrics.csv --out png
sed '5s/.*/4,abc,0.001,/' metrics.csv > wrong.csv
expect_status 65 "$SAGES" plot --metrics wrong.csv --out png
expect_message "wrong.csv:5: 'abc' in column 'loss' is not a number"
printf 'step,loss\n1\n2,3\n' > short.csv
expect_status 65 "$SAGES" plot --metrics short.csv --out png
expect_message "short.csv:2:"
printf 'step,time\n1,2\n' > lossless.csv
expect_status 65 "$SAGES" plot --metrics lossless.csv --out png
expect_message "no column of losses"
: > empty.csv
expect_status 65 "$SAGES" plot --metrics empty.csv --out png
expect_status 66 "$SAGES" plot --metrics missing.csv --out png
expect_status 66 "$SAGES" plot missing.h5 --out png
expect_message_once missing.h5
expect_status 64 "$SAGES" plot --out png
expect_message "nothing to draw"
expect_status 64 "$SAGES" plot --reference a.h5 --metrics metrics.csv --out png
expect_status 64 "$SAGES" plot --metrics metrics.csv --out png --format jpeg
expect_message "must be one of png, svg"
: > file
expect_status 74 "$SAGES" plot --metrics metrics.csv --out file/folder

# Without gnuplot: how to get it. MPI itself looks for some programs.
mkdir bin
for program in env timeout sh ssh rsh orted; do
    found="$(command -v "$program")" && ln --symbolic "$found" bin/
done
expect_status 70 env PATH="$PWD/bin" "$SAGES" plot --metrics metrics.csv --out png
expect_message "apt-get install gnuplot-nox"

finish
