#!/bin/bash
#
# Trains the model of carbon on the molecular dynamics that ships with the project, and evaluates it on runs that it has not
# seen: other seeds, another temperature, another size.
#
#   bash jobs/carbon.sh
#
# Run again, it goes on where it was; remove out/carbon to begin anew.
#
# Purpose    the weights jobs/models/carbon.h5 and their figures, in out/carbon
# Wall time  a quarter of an hour on 2 cores
# Cost       2 ranks, 2 GB of memory, 1 GB of disk

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

folder="$SAGES_OUTPUT/carbon"
sages="$SAGES_BUILD/release/sages"
mkdir --parents "$folder"

for dump in jobs/data/diamond/*.lammpstrj.gz jobs/data/graphene/*.lammpstrj.gz; do
    name="$(basename "$(dirname "$dump")")-$(basename "$dump" .lammpstrj.gz)"
    [[ -s "$folder/$name.h5" ]] \
        || "$sages" import "$dump" --elements C --timestep 0.0005 --out "$folder/$name.h5"
done

sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon.json5 --out "$folder/model.h5" --resume

for name in diamond-test-1000K diamond-nve-test-600K graphene-nve-test-300K; do
    sages_run "$SAGES_RANKS" "$sages" evaluate "$folder/model.h5" --data "$folder/$name.h5" --json > "$folder/$name.json"
    echo "$folder/$name.json"
done
