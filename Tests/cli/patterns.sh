#!/bin/bash
#
# Patterns in what the model of carbon knows of graphene with slits: edges and what lies behind them are found, the same on
# every number of ranks; the file holds each atom's cluster; the picture; errors.
#
# Wall time  30 seconds

set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"
# shellcheck source=Tests/cli/support/small.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/small.bash"

model="$SAGES_ROOT/jobs/models/carbon.h5"
expect_status 0 "$SAGES" import "$SAGES_ROOT/jobs/data/graphene/nve-kirigami-300K.lammpstrj.gz" --elements C \
    --timestep 0.0005 --out kirigami.h5
for ranks in 1 2 3; do
    expect_status_on "$ranks" 0 "$SAGES" patterns "$model" --data kirigami.h5 --json --out "patterns-$ranks.h5"
    expect "the files differ between 1 and $ranks ranks" cmp patterns-1.h5 "patterns-$ranks.h5"
done
expect_status 0 "$SAGES" patterns "$model" --data kirigami.h5 --json --out patterns-1.h5
cp "$output" patterns.json
# 70 of the 1,278 atoms have two neighbors, and no other atom is with them.
expect "the clusters are not those of bulk and edge" python3 - << 'END'
import json
result = json.load(open("patterns.json"))
clusters = result["clusters"]
assert result["samples"] == 6 * 1278 and len(clusters) >= 3, result
edge = [cluster for cluster in clusters if cluster["coordination"] < 2.5]
assert len(edge) == 1 and edge[0]["count"] == 6 * 70 and edge[0]["coordination"] == 2, clusters
assert edge[0]["energy_eV"] > 0.5 and all(c["coordination"] == 3 for c in clusters if c is not edge[0])
assert clusters[0]["count"] > 0.8 * result["samples"]
END
expect_status 0 "$SAGES" patterns "$model" --data kirigami.h5 --clusters 2 --frames 0:4 --every 3 --out two.h5
expect_output "2 clusters of 2556 atoms"
expect_status 0 "$SAGES" patterns "$model" --data kirigami.h5 --clusters 2 --frames 0:1 --out one.h5
expect_output "2 clusters of 1278 atoms"
# Diamond without a flaw: one pattern.
import_small
expect_status 0 "$SAGES" patterns "$model" --data data.h5 --every 4 --out diamond.h5
expect_output "1 cluster of 11000 atoms"
expect_status 0 "$SAGES" info patterns-1.h5
expect_output "/particles/all/cluster/value"
expect_output "/patterns/hierarchy/merged"
if command -v gnuplot > /dev/null; then
    expect_status 0 "$SAGES" plot patterns-1.h5 --out plots
    expect "there is no picture of the patterns" test -s plots/patterns.png
fi

expect_status 64 "$SAGES" patterns "$model" --data kirigami.h5 --frames 3:9 --out bad.h5
expect_message_once "has 6 frames"
expect_status 64 "$SAGES" patterns "$model" --data kirigami.h5 --clusters 0 --out bad.h5
expect_message "--clusters is 0"
expect_status_on 2 66 "$SAGES" patterns "$model" --data missing.h5 --out bad.h5
expect_message_once missing.h5
expect_status_on 2 65 "$SAGES" patterns "$SAGES_ROOT/jobs/models/automaton-4555.h5" --data kirigami.h5 --out bad.h5
expect_message_once "one of a grid's cells"
expect_status_on 2 74 "$SAGES" patterns "$model" --data kirigami.h5 --frames 0:1 --out no/such/folder.h5
expect_message_once "no/such"

finish
