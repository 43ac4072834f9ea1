#!/bin/bash
#
# Makes diamond molecular dynamics with LAMMPS (AIREBO): the data that ships in jobs/data/diamond, and any more.
#
#   jobs/data/make-diamond.sh [--out DIR]
#       the set that ships: train-1000K, train-300K, validation-1000K, test-1000K, and a data file of 64 atoms
#   jobs/data/make-diamond.sh nve --temperature K --seed S --frames N [--cells 5] [--every 10] --file FILE.lammpstrj.gz
#   jobs/data/make-diamond.sh tension --direction x|y|z --seed S --frames N [--temperature 300] [--strain-rate 0.02]
#                                     [--cells 5] [--every 50] --file FILE.lammpstrj.gz
#   jobs/data/make-diamond.sh crystal --temperature K --seed S --cells N --file FILE.data
#       one configuration as a LAMMPS data file, to start a simulation from
#
# A dump that is finished is not made again; one that was interrupted is made anew. The same seed gives the same dump.
#
# Purpose    real trajectories to learn from: units metal (A, ps), columns id type x y z vx vy vz, sorted by id
# Wall time  30 ms a step for 1,000 C on one core: 4 minutes for the set that ships
# Cost       one core, 26 kB a frame
#
# Environment: LAMMPS (binary, default lmp), LAMMPS_POTENTIALS (folder with CH.airebo), MAKE_DIAMOND_LAUNCHER
# (for example "mpirun -n 4"; the dump then differs in the last digits, as sums are taken in another order).

set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
lammps="${LAMMPS:-lmp}"
potential="${LAMMPS_POTENTIALS:-/usr/share/lammps/potentials}/CH.airebo"
read -r -a launcher <<< "${MAKE_DIAMOND_LAUNCHER:-}"

fail() {
    echo "make-diamond.sh: $2" >&2
    exit "$1"
}

usage() {
    sed --quiet '3,/^$/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

# Runs one LAMMPS input that writes the file named by its variable WHICH:
#   make_file INPUT WHICH FILE name value [name value]...
# The file appears under its own name only when it is whole.
make_file() {
    local input="$1" which="$2" file="$3"
    shift 3
    if [[ -s "$file" ]]; then
        echo "make-diamond.sh: $file is there already"
        return
    fi
    local folder name work
    mkdir --parents "$(dirname "$file")"
    folder="$(cd "$(dirname "$file")" && pwd)"
    name="$(basename "$file" .gz)"
    work="$folder/.$name.partial"
    rm --recursive --force "$work"
    mkdir "$work"

    local variables=() started=$SECONDS
    while (($# > 0)); do
        variables+=(-var "$1" "$2")
        shift 2
    done
    echo "make-diamond.sh: making $file"
    if ! (cd "$work" && ${launcher[@]+"${launcher[@]}"} "$lammps" -in "$here/$input" -log "$name.log" -screen none \
        "${variables[@]}" -var potential "$potential" -var "$which" "$name" < /dev/null); then
        tail --lines=3 "$work/$name.log" >&2 || true
        fail 70 "LAMMPS failed; its log is $work/$name.log"
    fi
    mv "$work/$name.log" "$folder/$name.log"
    if [[ "$file" == *.gz ]]; then
        # Without name and time in the header, the same trajectory is the same file.
        gzip --best --no-name "$work/$name"
        name="$name.gz"
    fi
    mv "$work/$name" "$folder/$name"
    rm --recursive "$work"
    echo "make-diamond.sh: made $file in $((SECONDS - started)) s"
}

command="${1:-shipped}"
case "$command" in
nve | tension | crystal) shift ;;
shipped | --out) command=shipped ;;
--help | -h)
    usage
    exit 0
    ;;
*) fail 64 "unknown command \"$command\"; see --help" ;;
esac

output="${SAGES_OUTPUT:-out}/data/diamond"
cells=5 temperature="" seed="" frames="" every="" direction="" strain_rate=0.02 file="" equilibration=""
while (($# > 0)); do
    (($# > 1)) || fail 64 "$1 wants a value"
    case "$1" in
    --out) output="$2" ;;
    --cells) cells="$2" ;;
    --temperature) temperature="$2" ;;
    --seed) seed="$2" ;;
    --frames) frames="$2" ;;
    --every) every="$2" ;;
    --equilibration) equilibration="$2" ;;
    --direction) direction="$2" ;;
    --strain-rate) strain_rate="$2" ;;
    --file) file="$2" ;;
    *) fail 64 "unknown option \"$1\"; see --help" ;;
    esac
    shift 2
done

command -v "$lammps" > /dev/null \
    || fail 69 "no LAMMPS binary \"$lammps\"; on Debian: apt-get install lammps; elsewhere set LAMMPS"
[[ -r "$potential" ]] || fail 66 "no $potential; set LAMMPS_POTENTIALS to the folder that has CH.airebo"

require() {
    local option
    for option in "$@"; do
        [[ -n "${!option}" ]] || fail 64 "$command wants --${option//_/-}"
    done
}

# LAMMPS counts frames after the first; the options here count them all.
nve() { # temperature seed frames file
    make_file diamond-nve.in dump "$4" temperature "$1" seed "$2" frames "$(($3 - 1))" cells "$cells" \
        every "${every:-10}" equilibration "${equilibration:-1000}"
}

make_crystal() { # temperature seed file
    make_file diamond-crystal.in file "$3" temperature "$1" seed "$2" cells "$cells" \
        equilibration "${equilibration:-1000}"
}

case "$command" in
nve)
    require temperature seed frames file
    nve "$temperature" "$seed" "$frames" "$file"
    ;;
tension)
    temperature="${temperature:-300}"
    require direction seed frames file
    make_file diamond-tension.in dump "$file" temperature "$temperature" seed "$seed" frames "$((frames - 1))" \
        cells "$cells" every "${every:-50}" equilibration "${equilibration:-1000}" direction "$direction" \
        strainRate "$strain_rate"
    ;;
crystal)
    require temperature seed file
    make_crystal "$temperature" "$seed" "$file"
    ;;
shipped)
    nve 1000 1001 81 "$output/train-1000K.lammpstrj.gz"
    nve 300 301 41 "$output/train-300K.lammpstrj.gz"
    nve 1000 1003 11 "$output/validation-1000K.lammpstrj.gz"
    nve 1000 1002 41 "$output/test-1000K.lammpstrj.gz"
    cells=2
    make_crystal 1000 2001 "$output/diamond-2x2x2.data"
    ;;
esac
