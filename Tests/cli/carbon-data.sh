#!/bin/bash
#
# The carbon data that ships: it is what its README and its list say, at the temperatures of its names. The script that
# makes it: bad input, selection of frames, and, where LAMMPS is installed, small runs of every kind.

# shellcheck disable=SC2016 # the dollars are those of awk
set -uo pipefail
# shellcheck source=Tests/cli/support/checks.bash
source "$(dirname "${BASH_SOURCE[0]}")/support/checks.bash"

data="$SAGES_ROOT/jobs/data"
make=(bash "$data/make-carbon.sh")

# The steps of a dump, on one line.
steps() {
    zcat "$1" | awk '/^ITEM: TIMESTEP/ { getline; line = line " " $1 } END { print substr(line, 2) }'
}

# What ships is what the README says, no more and no less, and stays small.
expect "the data that ships is over 18 MB" test \
    "$(find "$data/diamond" "$data/graphene" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')" -lt 18000000
while IFS='|' read -r _ file _ frames _; do
    file="$(tr --delete ' `' <<< "$file")" frames="$(tr --delete ' ' <<< "$frames")"
    [[ "$file" == *.gz ]] || continue
    expect "$file does not hold $frames frames" test \
        "$(zcat "$data/$file" | grep --count -e '^ITEM: TIMESTEP' -e '^Lattice=')" -eq "$frames"
done < "$data/README.md"
while read -r file; do
    expect "README.md does not list $file" grep --quiet --fixed-strings "\`$file\`" "$data/README.md"
    expect "shipped.set does not list $file" grep --quiet "^${file%.stress.txt}[. ]" "$data/shipped.set"
done < <(cd "$data" && find diamond graphene -type f | sort)
while read -r file command options; do
    [[ -n "$file" && "$file" != \#* ]] || continue
    expect "$file of shipped.set does not ship" test -s "$data/$file"
    [[ "$command" == select ]] || continue
    from="${options#--from }"
    expect "all.set does not make ${from%% *}" grep --quiet "^${from%% *} " "$data/all.set"
done < "$data/shipped.set"
expect "two runs share a seed" test -z \
    "$(cat "$data"/*.set | grep --only-matching -- '--seed [0-9]*' | sort | uniq --repeated)"
expect "two runs make the same file" test -z \
    "$(cat "$data"/*.set | grep '^[a-z]' | sort --unique | cut --delimiter=' ' --fields=1 | uniq --repeated)"

# The kinetic temperature of each run is near that of its name: 1/2 m v^2 = 3/2 k T with u, A/ps and K.
for file in "$data"/*/*-[0-9]*K.lammpstrj.gz; do
    wanted="${file%K.lammpstrj.gz}"
    expect "$file is not at ${wanted##*-} K" awk -v wanted="${wanted##*-}" '
        NF == 8 && $1 ~ /^[0-9]+$/ { sum += $6 * $6 + $7 * $7 + $8 * $8; atoms++ }
        END {
            temperature = atoms ? 12.011 * sum / atoms / 3 / 0.831446 : 0
            print temperature " K"
            exit !(temperature > 0.88 * wanted && temperature < 1.12 * wanted)
        }' <(zcat "$file")
done

# Bad input.
expect_status 64 "${make[@]}" silicon
expect_message 'unknown command or set "silicon"'
expect_status 64 "${make[@]}" nve --temperature 300
expect_message 'wants --seed'
expect_status 64 "${make[@]}" nve --temperatur 300
expect_message 'unknown option "--temperatur"'
expect_status 64 "${make[@]}" nve --temperature
expect_message '--temperature wants a value'
expect_status 66 "${make[@]}" select --from none.lammpstrj.gz --steps 0,10,10 --file a.lammpstrj.gz
expect_message 'none.lammpstrj.gz'
train="$data/diamond/train-300K.lammpstrj.gz"
expect_status 64 "${make[@]}" select --from "$train" --steps 1000,1200,20 --frames 3 --file a.lammpstrj.gz
expect_message 'at least 30 steps'
expect_status 64 "${make[@]}" select --from "$train" --steps 1000,1200 --file a.lammpstrj.gz
expect_message '--steps wants 3 whole numbers'
zcat "$train" | sed 's/vx vy vz/ix iy iz/' | gzip > other.lammpstrj.gz
expect_status 65 "${make[@]}" select --from other.lammpstrj.gz --steps 1000,1200,100 --file a.lammpstrj.gz
expect_message 'other.lammpstrj.gz is no dump of id type x y z vx vy vz'
expect_status 65 "${make[@]}" select --from "$train" --steps 10,20,10 --file a.lammpstrj.gz
expect_message 'no such frames'
expect "a failed selection left a file" test ! -e a.lammpstrj.gz

# Selection: these steps, these digits, and the same file from two programs of the pipe.
expect_status 0 "${make[@]}" select --from "$train" --steps 1000,1200,100 --frames 2 --digits 5,3 --file s.lammpstrj.gz
expect "selected steps are $(steps s.lammpstrj.gz)" test "$(steps s.lammpstrj.gz)" = "1000 1010 1100 1110 1200 1210"
expect "digits are not 5 and 3" test \
    "$(zcat s.lammpstrj.gz | sed --quiet 10p)" = "$(zcat "$train" | awk 'NR == 10 {
        printf "%d %d %.5f %.5f %.5f %.3f %.3f %.3f", $1, $2, $3, $4, $5, $6, $7, $8 }')"
expect_status 0 "${make[@]}" select --from "$train" --steps 1000,1000,100 --file s.lammpstrj.gz
expect_output 'is there already'
expect "what was there was made again" test "$(steps s.lammpstrj.gz)" = "1000 1010 1100 1110 1200 1210"
expect_status 0 "$SAGES" import s.lammpstrj.gz --elements C --timestep 0.0005 --out s.h5
expect_output "6 frames (steps 1000 to 1210) of 1000 atoms"

if ! command -v "${LAMMPS:-lmp}" > /dev/null; then
    ((checks_failed == 0)) || finish
    skip "$checks_passed passed; no LAMMPS here for the rest"
fi

# Segments, and that an interrupted run is made anew.
small=(--cells '2,2,2' --equilibration 20)
mkdir --parents .a.lammpstrj.gz.partial
touch .a.lammpstrj.gz.partial/rubbish
expect_status 66 env LAMMPS_POTENTIALS=/none "${make[@]}" nve "${small[@]}" --temperature 300 --seed 1 --frames 2 \
    --file a.lammpstrj.gz
expect_message '/none/CH.airebo'
nve=(nve "${small[@]}" --temperature 600 --seed 7 --frames 3 --every 2 --segments 3 --interval 20)
expect_status 0 "${make[@]}" "${nve[@]}" --file a.lammpstrj.gz
expect "the interrupted run is still there" test ! -e .a.lammpstrj.gz.partial -a ! -e rubbish
expect "steps of segments are $(steps a.lammpstrj.gz)" test "$(steps a.lammpstrj.gz)" = "20 22 24 40 42 44 60 62 64"
expect_status 0 "${make[@]}" "${nve[@]}" --file again.lammpstrj.gz
expect "the same seed gives another dump" cmp a.lammpstrj.gz again.lammpstrj.gz
expect_status 0 "${make[@]}" "${nve[@]}" --forces yes --file forces.lammpstrj.gz
expect "no forces in the dump" test "$(zcat forces.lammpstrj.gz | sed --quiet 10p | wc --words)" -eq 12
expect "forces do not sum to zero" awk 'NF == 12 { for (k = 9; k < 12; k++) { sum[k] += $k; size += $k * $k } }
    END { exit !(size > 1 && sum[9]^2 + sum[10]^2 + sum[11]^2 < 1e-6 * size) }' <(zcat forces.lammpstrj.gz)
expect_status 64 "${make[@]}" nve "${small[@]}" --temperature hot --seed 1 --frames 2 --file hot.lammpstrj.gz
expect_message '--temperature wants a number'
expect_status 70 "${make[@]}" nve "${small[@]}" --temperature 300 --seed 0 --frames 2 --file failed.lammpstrj.gz
expect_message 'its log is'
expect "a failed run left a dump" test ! -e failed.lammpstrj.gz

# Tension writes its table, and what is let go keeps its box and its energy.
sheet=(--structure graphene --cells '8,6,1' --cut vacancy --equilibration 20)
expect_status 64 "${make[@]}" nve --cut slit --temperature 300 --seed 1 --frames 2 --file cut.lammpstrj.gz
expect_message 'unknown cut "slit" of diamond-100'
expect_status 0 "${make[@]}" tension "${sheet[@]}" --direction y --strain-rate 2 --seed 3 --frames 5 --file t.lammpstrj.gz
expect "$(tail -1 t.stress.txt) is not the strain and stress of the end" awk '
    !/^#/ { step = $1; strain = $2; syy = $4 } END { exit !(step == 200 && strain > 0.15 && strain < 0.19 && syy > 10) }' t.stress.txt
expect_status 0 "${make[@]}" release "${sheet[@]}" --from t.lammpstrj.gz --steps 70,220,50 --frames 3 --file r.lammpstrj.gz
expect "steps let go are $(steps r.lammpstrj.gz)" test "$(steps r.lammpstrj.gz)" = "70 80 90 120 130 140 170 180 190 220 230 240"
expect "boxes are not one a segment" test "$(zcat r.lammpstrj.gz | awk '/^ITEM: BOX/ { getline; getline; print }' | uniq --count \
    | awk '{ printf "%s ", $1 }')" = "3 3 3 3 "
expect "energy is not kept" awk '/^Step/ { getline; start = $5; getline; count++; if (($5 - start)^2 > 0.01) exit 1 }
    END { if (count != 4) exit 1 }' r.log

# Strained boxes: the virial rises as the box shrinks, and the importer reads it.
boxes=(strained --cells 2,2,2 --temperature 20 --seed 5 --segments 4 --equilibration 10 --frames 2)
expect_status 64 "${make[@]}" "${boxes[@]}" --amplitude 0.02,0 --file b.xyz.gz
expect_message '--amplitude wants three numbers'
expect_status 0 "${make[@]}" "${boxes[@]}" --amplitude 0.03,0,0 --file b.xyz.gz
expect "virials do not fall as boxes grow" test "$(zcat b.xyz.gz | awk -F '[" ]' '/^Lattice/ {
    match($0, /virial="[^ ]*/); print $2, -substr($0, RSTART + 8, RLENGTH - 8) }' | sort --numeric-sort | sort --check \
    --numeric-sort --key=2 && echo ordered)" = ordered
expect_status 0 "$SAGES" import b.xyz.gz --timestep 0.0005 --out b.h5
expect_output "8 frames (steps 10 to 80) of 64 atoms (C), with velocities"
expect_status 0 "$SAGES" export b.h5 --format csv --out b.csv
expect "virials are no observables" grep --quiet virial_xx b.csv

# Bonds of more than 1.7 A feel where they are switched off; shorter ones do not.
for stretch in 0.1 0.4; do
    nve=(nve --structure graphene --cells '3,2,1' --strain "0,$stretch,0" --equilibration 5 --temperature 1 --seed 9 --frames 2)
    expect_status 0 "${make[@]}" "${nve[@]}" --file "at-$stretch.lammpstrj.gz"
    expect_status 0 "${make[@]}" "${nve[@]}" --switch 1.92 --file "switched-$stretch.lammpstrj.gz"
done
expect "the switch changes short bonds" cmp at-0.1.lammpstrj.gz switched-0.1.lammpstrj.gz
expect "the switch leaves long bonds" test "$(zcat at-0.4.lammpstrj.gz)" != "$(zcat switched-0.4.lammpstrj.gz)"
expect "the potential is left behind" test ! -e CH.airebo

# Elastic constants: of a sheet of this symmetry C11 = C22 and shear = (C11 - C12) / 2.
expect_status 0 "${make[@]}" elastic --structure graphene --cells 3,2,1 --file elastic.txt
expect "strains are not in the table" test "$(awk '$2 == "made" { print $11 }' elastic.txt | xargs)" = "1e-4 5e-3 1e-2 2e-2"
expect "elastic constants do not fit the symmetry" awk '$2 == "relaxed" {
        count++
        if (($6 - $7)^2 > 1 || ($9 - ($6 - $8) / 2)^2 > 1 || $5 ^ 2 > 1e-4 || $6 < 250 || $6 > 400) exit 1 }
    END { if (count != 1) exit 1 }' elastic.txt

finish
