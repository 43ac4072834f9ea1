#!/bin/bash
#
# Trains the network that predicts the errors of jobs/models/carbon.h5 atom by atom, and evaluates its bands and its order of
# errors on runs that neither has seen, beside the spread of an ensemble of four trainings of the fast model.
#
#   bash jobs/confidence.sh
#
# Run again, it goes on where it was; remove out/carbon/confidence.h5 to begin anew. Run jobs/carbon.sh first: it imports the
# data.
#
# Purpose    jobs/models/carbon-confidence.h5 and its figures, in out/carbon
# Wall time  half an hour on 2 cores
# Cost       2 ranks, 2 GB of memory

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
cd "$SAGES_ROOT"

folder="$SAGES_OUTPUT/carbon"
sages="$SAGES_BUILD/release/sages"

sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon-confidence.json5 --out "$folder/confidence.h5" --resume

ensemble=()
for seed in 11 12 13 14; do
    sages_run "$SAGES_RANKS" "$sages" train jobs/configs/carbon-fast.json5 --out "$folder/member-$seed.h5" --resume \
        --set training.seed="$seed" --set training.steps="${SAGES_MEMBER_STEPS:-2600}" --set training.validation=null
    ensemble+=(--ensemble "$folder/member-$seed.h5")
done

for name in diamond-test-1000K diamond-nve-test-600K graphene-nve-test-300K; do
    sages_run "$SAGES_RANKS" "$sages" evaluate jobs/models/carbon.h5 --data "$folder/$name.h5" \
        --confidence "$folder/confidence.h5" "${ensemble[@]}" --json > "$folder/$name-confidence.json"
    echo "$folder/$name-confidence.json"
done

# The picture: predicted and true errors of the atoms about a vacancy.
sages_run 1 "$sages" evaluate jobs/models/carbon.h5 --data "$folder/graphene-nve-vacancy-1000K.h5" \
    --confidence "$folder/confidence.h5" --out "$folder/errors.h5"
"$sages" plot "$folder/errors.h5" --out "$folder/pictures"
