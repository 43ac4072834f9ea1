#!/bin/bash
#
# Trajectories of a reaction network: the published ones, the same on every number of ranks, gone on with after a job that ended
# early; and what is wrong with networks, files and configurations is said with its place.
#
# Wall time  half a minute

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"

data="$SAGES_ROOT/jobs/data/chemistry"
generate=("$SAGES" generate chemistry --network "$data/osu2008.json")

# The published trajectories from their first states.
expect_status_on 2 0 "${generate[@]}" --initial "$data/osu2008-published.h5" --out published.h5 --json
cp "$output" summary.json
expect "elements or charge drift" python3 - summary.json << 'END'
import json, sys
summary = json.load(open(sys.argv[1]))
assert summary["trajectories"] == 8 and summary["conservation_drift"] < 1e-10, summary
END
if python3 -c 'import h5py' 2> /dev/null; then
    expect "trajectories are not the published ones" python3 - published.h5 "$data/osu2008-published.h5" << 'END'
import sys, h5py, numpy
found, published = (h5py.File(name)["abundance/log10"][()] for name in sys.argv[1:3])
error = abs(found - published)
assert error.mean() < 1e-4 and numpy.percentile(error, 99.9) < 1e-2, (error.mean(), error.max())
END
fi

# Drawn starts: the same on 1, 2 and 3 ranks.
sed 's/trajectories: 2000/trajectories: 30/' "$data/six-parameters.json5" > few.json5
for ranks in 1 2 3; do
    expect_status_on "$ranks" 0 "${generate[@]}" --config few.json5 --out "few-$ranks.h5"
    expect "trajectories differ between 1 and $ranks ranks" cmp few-1.h5 "few-$ranks.h5"
done
expect_status 0 "$SAGES" generate chemistry --network "$data/osu2008.json" --config few.json5 --matrix dense --out dense.h5
expect_output "30 trajectories of 29 species at 100 times"

# A job that is killed is gone on with, to the same file.
sed 's/trajectories: 2000/trajectories: 200/' "$data/six-parameters.json5" > more.json5
"${generate[@]}" --config more.json5 --out more.h5 > /dev/null 2>&1 &
killed=$!
for _ in {1..100}; do
    sleep 0.1
    [[ ! -s .more.h5.incomplete ]] || break
done
sleep 2
kill -KILL "$killed"
wait "$killed" 2> /dev/null
expect "a killed job left a whole file" test ! -e more.h5 -a -s .more.h5.incomplete
expect_status_on 2 65 "${generate[@]}" --config more.json5 --relative 1e-6 --out more.h5
expect_message "it was begun with another relative tolerance (1e-08, now 1e-06)"
expect_status_on 2 0 "${generate[@]}" --config more.json5 --out more.h5 --json
cp "$output" summary.json
expect "nothing was found of the killed job" python3 - summary.json << 'END'
import json, sys
summary = json.load(open(sys.argv[1]))
assert 0 < summary["found"] < 200, summary
END
expect_status 0 "${generate[@]}" --config more.json5 --out whole.h5
expect "a continued job made another file" cmp more.h5 whole.h5

# A trajectory that cannot be solved is named, with its time.
python3 - "$data/osu2008.json" > fast.json << 'END'
import json, sys
network = json.load(open(sys.argv[1]))
network["reactions"][0]["alpha"] = 1e308
print(json.dumps(network))
END
expect_status_on 2 70 "$SAGES" generate chemistry --network fast.json --config few.json5 --out none.h5
expect_message_once "trajectory 0 ended at 1e-06 yr: the derivative is not finite"
expect "what failed left a file" test ! -e none.h5

# What does not fit.
expect_status 64 "${generate[@]}" --out none.h5
expect_message "chemistry starts from --initial or from --config"
expect_status 64 "$SAGES" generate ca --rule 4555 --grid 4x4x4 --frames 2 --network a.json --out none.h5
expect_message "--network is not for ca"
expect_status 64 "$SAGES" generate ca --grid 4x4x4 --frames 2 --out none.h5
expect_message "option --rule is missing"
expect_status 66 "$SAGES" generate chemistry --network none.json --config few.json5 --out none.h5
expect_message "none.json"
sed 's/"H2"/"HH"/' few.json5 > other.json5
expect_status 64 "${generate[@]}" --config other.json5 --out none.h5
expect_message "no species HH"
sed 's/temperature/temperatur/' few.json5 > other.json5
expect_status 64 "${generate[@]}" --config other.json5 --out none.h5
expect_message "temperatur"
python3 - "$data/osu2008.json" > unbalanced.json << 'END'
import json, sys
network = json.load(open(sys.argv[1]))
network["reactions"][0]["products"].append("H")
print(json.dumps(network, indent=0))
END
expect_status_on 2 65 "$SAGES" generate chemistry --network unbalanced.json --config few.json5 --out none.h5
expect_message_once "the reaction H + H -> H2 + H is not balanced: H is 2 before and 3 after"
expect_status 65 "${generate[@]}" --initial "$data/osu2008.json" --out none.h5
expect_message "osu2008.json"
expect_status 0 "$SAGES" generate ca --rule 4555 --grid 4x4x4 --frames 2 --out life.h5
expect_status 65 "${generate[@]}" --initial life.h5 --out none.h5
expect_message "there is no /abundance/log10"
expect "a refused job left a file" test ! -e none.h5

finish
