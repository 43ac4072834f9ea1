#!/bin/bash
#
# Makes molecular dynamics of carbon with LAMMPS (AIREBO): the data that ships in jobs/data, and any more.
#
#   jobs/data/make-carbon.sh [SET] [--out DIR] [--background yes]
#       every line of SET.set here: "shipped" (the default) is what ships, "all" the longer runs that it is chosen from;
#       in the background, at the lowest priority, with the log DIR/SET.log
#   jobs/data/make-carbon.sh nve SYSTEM --temperature K --frames N [--every 10] [--segments 1] [--interval STEPS]
#                                --file FILE.lammpstrj.gz
#       constant energy; segments of N frames begin INTERVAL steps apart
#   jobs/data/make-carbon.sh tension SYSTEM --direction x|y|z --frames N [--every 50] [--temperature 300]
#                                    [--strain-rate 0.02] --file FILE.lammpstrj.gz
#       pulled at constant rate and temperature; the stress goes to FILE.stress.txt
#   jobs/data/make-carbon.sh strained SYSTEM --temperature K --segments N --amplitude X,Y,Z [--frames 3] [--every 10]
#                                     --file FILE.xyz.gz
#       segments at constant energy, each in a box of its own, strained at random by so much at most along each axis;
#       extended XYZ with the virial of every frame
#   jobs/data/make-carbon.sh release SYSTEM --from FILE.lammpstrj.gz --steps FIRST,LAST,BY --frames N [--every 10]
#                                    --file FILE.lammpstrj.gz
#       segments at constant energy from frames of a tension run of the same system
#   jobs/data/make-carbon.sh select --from FILE.lammpstrj.gz --steps FIRST,LAST,BY [--frames 1] [--every 10]
#                                   --file FILE.lammpstrj.gz
#       segments of N frames of a dump, and its table of stresses if there is one; needs no LAMMPS
#   jobs/data/make-carbon.sh energies SYSTEM --from FILE.lammpstrj[.gz] --every STEPS --file FILE.csv
#       AIREBO's energies of each frame of a dump of the same system, as of a rollout, eV, for sages plot --energies
#   jobs/data/make-carbon.sh elastic --structure NAME --file FILE.txt
#       lattice constant and elastic constants at 0 K
#   jobs/data/make-carbon.sh crystal SYSTEM --temperature K --file FILE.data
#       one configuration as a LAMMPS data file, to start a simulation from
#
#   SYSTEM  --seed S [--structure diamond-100|diamond-110|diamond-111|graphene] [--cells X,Y,Z] [--lattice A]
#           [--cut vacancy|slit|kirigami|zigzag|armchair|slab] [--strain X,Y,Z] [--equilibration 1000]
#           [--switch A], from where AIREBO switches off a bond of two C, instead of 1.7; far stretched often 1.92
#   Dumps   [--forces yes] for forces and energies of atoms, [--digits 6,5] of positions and velocities
#
# What is finished is not made again; what was interrupted is made anew. The same seed gives the same dump.
#
# Purpose    real trajectories to learn from: units metal (A, ps), columns id type x y z vx vy vz, sorted by id
# Wall time  on one core 30 ms a step for 1,000 C of diamond, 8 ms for 1,344 C of graphene: 1.5 hours for the set "all"
# Cost       one core, 27 kB a frame of 1,000 C: 0.3 GB for the set "all"
#
# Environment: LAMMPS (binary, default lmp), LAMMPS_POTENTIALS (folder with CH.airebo), MAKE_CARBON_LAUNCHER
# (for example "mpirun -n 4"; the dump then differs in the last digits, as sums are taken in another order).

set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
lammps="${LAMMPS:-lmp}"
potential="${LAMMPS_POTENTIALS:-/usr/share/lammps/potentials}/CH.airebo"
read -r -a launcher <<< "${MAKE_CARBON_LAUNCHER:-}"

fail() {
    echo "make-carbon.sh: $2" >&2
    exit "$1"
}

usage() {
    sed --quiet '3,/^$/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

# Runs a command in a new folder beside a file that it makes there, maybe with others; they appear under their own names
# when they are whole, the file last. Nothing is done if it is there: make_file FILE COMMAND...
make_file() {
    local file="$1" folder work name started=$SECONDS
    shift
    if [[ -s "$file" ]]; then
        echo "make-carbon.sh: $file is there already"
        return
    fi
    mkdir --parents "$(dirname "$file")"
    folder="$(cd "$(dirname "$file")" && pwd)"
    name="$(basename "$file")"
    work="$folder/.$name.partial"
    rm --recursive --force "$work"
    mkdir "$work"
    echo "make-carbon.sh: making $file"
    (cd "$work" && "$@" "${name%.gz}")
    # Without name and time in the header, the same trajectory is the same file.
    [[ "$name" != *.gz ]] || gzip --best --no-name "$work/${name%.gz}"
    find "$work" -type f ! -name "$name" -exec mv {} "$folder" \;
    mv "$work/$name" "$folder/$name"
    rmdir "$work"
    echo "make-carbon.sh: made $file in $((SECONDS - started)) s"
}

# Runs a LAMMPS input with variables, its output among them: run_lammps INPUT name value [name value]... out NAME
run_lammps() {
    local input="$1" log="${!#}" options=()
    log="$PWD/${log%%.*}.log"
    shift
    if [[ -n "$switch" ]]; then
        awk -v distance="$switch" '$2 == "rcmin_CC" { $1 = distance } { print }' "$potential" > "$PWD/CH.airebo"
        options+=(-var potential "$PWD/CH.airebo")
    fi
    while (($# > 1)); do
        options+=(-var "$1" "$2")
        shift 2
    done
    if ! ${launcher[@]+"${launcher[@]}"} "$lammps" -in "$here/lammps/$input.in" -log "$log" -screen none \
        "${options[@]}" < /dev/null; then
        [[ ! -r "$log" ]] || tail --lines=3 "$log" >&2
        fail 70 "LAMMPS failed; its log is $log"
    fi
    rm --force "$PWD/CH.airebo"
}

# Copies frames of a dump, with the digits asked for: select_frames FROM FIRST LAST BY FRAMES EVERY PLACE MOTION NAME
select_frames() {
    local table="${1%.lammpstrj.gz}.stress.txt"
    gzip --decompress --stdout "$1" | awk -v first="$2" -v last="$3" -v by="$4" -v frames="$5" -v every="$6" \
        -v place="$7" -v motion="$8" '
        BEGIN {
            p = " %." place "f"; v = " %." motion "f"
            atom = "%d %d" p p p v v v "\n"
        }
        wanted && isAtoms && !/^ITEM/ { printf atom, $1, $2, $3, $4, $5, $6, $7, $8; next }
        /^ITEM: TIMESTEP/ { isAtoms = 0; getline step; since = step - first
            wanted = since >= 0 && since - since % by <= last - first && since % by % every == 0 && since % by < frames * every
            if (wanted) { print; print step }
            next }
        /^ITEM: ATOMS/ { isAtoms = 1; sub(/ +$/, ""); if ($0 != "ITEM: ATOMS id type x y z vx vy vz") other = 1 }
        other { exit 65 }
        wanted { print }' > "$9" || fail 65 "$1 is no dump of id type x y z vx vy vz"
    [[ -s "$9" ]] || fail 65 "$1 has no such frames"
    [[ ! -r "$table" ]] || cp "$table" "${9%.lammpstrj}.stress.txt"
}

# Runs LAMMPS in strained boxes, and writes its dump and its table of virials as extended XYZ: run_strained name value... out NAME
run_strained() {
    local name="${!#}"
    run_lammps strained "${@:1:$#-1}" "$name.dump"
    # Bar times cubic Angstrom to eV: the sum of r f over the atoms.
    awk '
        FNR == NR { if (!/^#/) { xx[$1] = $2; yy[$1] = $3; zz[$1] = $4; xy[$1] = $5; xz[$1] = $6; yz[$1] = $7 } next }
        /^ITEM: TIMESTEP/ { getline step; next }
        /^ITEM: NUMBER/ { getline atoms; next }
        /^ITEM: BOX/ {
            for (axis = 1; axis <= 3; axis++) { getline; low[axis] = $1; edge[axis] = sprintf("%.12g", $2 - $1) }
            next
        }
        /^ITEM: ATOMS/ {
            if (!(step in xx)) exit 65
            unit = edge[1] * edge[2] * edge[3] / 1602176.634
            printf "%d\nLattice=\"%s 0 0 0 %s 0 0 0 %s\" Origin=\"%.12g %.12g %.12g\" pbc=\"T T T\" Step=%d ", \
                atoms, edge[1], edge[2], edge[3], low[1], low[2], low[3], step
            row = sprintf("%.7g %.7g %.7g %.7g %.7g %.7g %.7g %.7g %.7g", unit * xx[step], unit * xy[step], unit * xz[step], \
                unit * xy[step], unit * yy[step], unit * yz[step], unit * xz[step], unit * yz[step], unit * zz[step])
            printf "virial=\"%s\" Properties=species:S:1:pos:R:3:vel:R:3\n", row
            next
        }
        { print "C", $3, $4, $5, $6, $7, $8 }' virials.txt "$name.dump" > "$name" || fail 70 "the table of virials lacks a frame's"
    rm "$name.dump" virials.txt
}

# Runs LAMMPS on the frames of a dump; of what it writes, the table stays: list_energies name value [name value]... out NAME
list_energies() {
    local name="${!#}"
    run_lammps energies "$@"
    {
        echo "step,potential,kinetic,total,temperature"
        awk '$1 == "Step" { isTable = 1; next } /^Loop time/ { isTable = 0 }
            isTable && $1 ~ /^[0-9]+$/ { $1 = $1; gsub(" ", ","); print }' "$name"
    } > "$name.table"
    mv "$name.table" "$name"
}

command="${1:-shipped}"
case "$command" in
--out | --background) command=shipped ;;
--help | -h)
    usage
    exit 0
    ;;
*) (($# == 0)) || shift ;;
esac

output="${SAGES_OUTPUT:-out}/data" background=no
structure=diamond-100 cells="" lattice="" cut=none strain=0,0,0 switch="" temperature="" seed="" equilibration=1000
frames="" every="" amplitude="" segments=1 interval="" direction="" strain_rate=0.02 from="" steps="" forces=no digits=6,5 file=""
while (($# > 0)); do
    (($# > 1)) || fail 64 "$1 wants a value"
    case "$1" in
    --out) output="$2" ;;
    --background | --structure | --cells | --lattice | --cut | --strain | --switch | --temperature | --seed | \
        --equilibration | --amplitude | --frames | --every | --segments | --interval | --direction | --strain-rate | --from | \
        --steps | --forces | --digits | --file)
        name="${1#--}"
        printf -v "${name//-/_}" '%s' "$2"
        ;;
    *) fail 64 "unknown option \"$1\"; see --help" ;;
    esac
    shift 2
done

require() {
    local option
    for option in "$@"; do
        [[ -n "${!option}" ]] || fail 64 "$command wants --${option//_/-}"
    done
}

# Runs every line of a set: "FILE COMMAND OPTION...", with FILE (and that of --from) below the output folder.
make_set() { # file
    local name words
    while read -r name words; do
        [[ -n "$name" && "$name" != \#* ]] || continue
        read -r -a words <<< "${words//--from /--from $output/}"
        "$here/make-carbon.sh" "${words[@]}" --file "$output/$name"
    done < "$1"
}

if [[ -r "$here/$command.set" ]]; then
    if [[ "$background" != no ]]; then
        mkdir --parents "$output"
        setsid nice --adjustment=19 "$here/make-carbon.sh" "$command" --out "$output" > "$output/$command.log" 2>&1 < /dev/null &
        echo "make-carbon.sh: process $!, log $output/$command.log"
        exit
    fi
    make_set "$here/$command.set"
    exit
fi

# Sets "number" to the whole numbers of an option: numbers OPTION VALUE COUNT
numbers() {
    IFS=, read -r -a number <<< "$2"
    [[ "$2" =~ ^[0-9]+(,[0-9]+)*$ && ${#number[@]} == "$3" ]] || fail 64 "--$1 wants $3 whole numbers with commas"
}

# The same for --steps: first, last and the number of steps between segments, which must not overlap.
segment_steps() {
    numbers steps "$steps" 3
    ((number[2] >= frames * every)) || fail 64 "--steps wants at least $((frames * every)) steps between segments"
}

# What LAMMPS needs, and the variables of system.in. Options are checked here: LAMMPS would speak of its own lines, or
# take a word for a variable.
system() {
    local option x y z standard
    for option in temperature seed lattice switch strain_rate equilibration frames every segments interval; do
        [[ -z "${!option}" || "${!option}" =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail 64 "--${option//_/-} wants a number"
    done
    command -v "$lammps" > /dev/null \
        || fail 69 "no LAMMPS binary \"$lammps\"; on Debian: apt-get install lammps; elsewhere set LAMMPS"
    [[ -r "$potential" ]] || fail 66 "no $potential; set LAMMPS_POTENTIALS to the folder that has CH.airebo"
    case "$structure" in
    diamond-100) standard=5,5,5 ;;
    diamond-110) standard=7,7,5 ;;
    diamond-111) standard=3,7,4 ;;
    graphene) standard=24,14,1 lattice="${lattice:-2.42}" ;;
    *) fail 64 "unknown structure \"$structure\"; see --help" ;;
    esac
    if [[ "$cut" != none ]]; then
        # A slab is cut out of diamond, all others out of a sheet.
        [[ ("$structure" == graphene && "$cut" != slab || "$structure" != graphene && "$cut" == slab)
            && -r "$here/lammps/cut-$cut.in" ]] || fail 64 "unknown cut \"$cut\" of $structure; see --help"
    fi
    numbers cells "${cells:-$standard}" 3
    variables=(inputs "$here/lammps" potential "$potential" structure "$structure" latticeConstant "${lattice:-3.567}"
        cut "$cut" nx "${number[0]}" ny "${number[1]}" nz "${number[2]}" temperature "${temperature:-0}"
        seed "${seed:-1}" equilibration "$equilibration")
    IFS=, read -r x y z <<< "$strain"
    for option in "$x" "$y" "$z"; do
        [[ "$option" =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || fail 64 "--strain wants three numbers with commas"
    done
    variables+=(strainX "$x" strainY "$y" strainZ "$z")
}

# The variables of a dump with so many steps between frames.
dump() {
    local columns="id type x y z vx vy vz"
    [[ "$forces" == no ]] || columns+=" fx fy fz c_energy"
    numbers digits "$digits" 2
    every="${every:-$1}"
    variables+=(every "$every" columns "$columns" place "%.${number[0]}f" motion "%.${number[1]}f")
}

case "$command" in
nve)
    require temperature seed frames file
    system
    dump 10
    interval="${interval:-$((frames * every))}"
    ((segments == 1 || interval >= frames * every)) || fail 64 "--interval is too short for $frames frames every $every"
    make_file "$file" run_lammps nve "${variables[@]}" segments "$segments" interval "$interval" frames "$frames" out
    ;;
tension)
    require direction seed frames file
    temperature="${temperature:-300}"
    system
    dump 50
    table="$(basename "$file")"
    make_file "$file" run_lammps tension "${variables[@]}" direction "$direction" strainRate "$strain_rate" \
        length "$(((frames - 1) * every))" table "${table%%.*}.stress.txt" out
    ;;
strained)
    require temperature seed amplitude file
    frames="${frames:-3}"
    system
    dump 10
    IFS=, read -r x y z <<< "$amplitude"
    for option in "$x" "$y" "$z"; do
        [[ "$option" =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail 64 "--amplitude wants three numbers with commas, none negative"
    done
    ((equilibration % every == 0)) || fail 64 "--equilibration must be a multiple of --every ($every)"
    make_file "$file" run_strained "${variables[@]}" amplitudeX "$x" amplitudeY "$y" amplitudeZ "$z" \
        segments "$segments" frames "$frames" table virials.txt out
    ;;
release)
    require from steps frames file
    [[ -r "$from" ]] || fail 66 "no $from"
    temperature=0
    system
    dump 10
    segment_steps
    make_file "$file" run_lammps release "${variables[@]}" from "$(realpath "$from")" first "${number[0]}" \
        by "${number[2]}" count "$(((number[1] - number[0]) / number[2] + 1))" frames "$frames" out
    ;;
select)
    require from steps file
    [[ -r "$from" ]] || fail 66 "no $from"
    frames="${frames:-1}" every="${every:-10}"
    segment_steps
    segments=("${number[@]}")
    numbers digits "$digits" 2
    make_file "$file" select_frames "$(realpath "$from")" "${segments[@]}" "$frames" "$every" "${number[@]}"
    ;;
energies)
    require from every file
    [[ -r "$from" ]] || fail 66 "no $from"
    temperature=0
    system
    make_file "$file" list_energies "${variables[@]}" every "$every" from "$(realpath "$from")" out
    ;;
elastic)
    require file
    cells="${cells:-4,4,4}" temperature=0
    system
    make_file "$file" run_lammps elastic "${variables[@]}" out
    ;;
crystal)
    require temperature seed file
    system
    make_file "$file" run_lammps crystal "${variables[@]}" out
    ;;
*) fail 64 "unknown command or set \"$command\"; see --help" ;;
esac
