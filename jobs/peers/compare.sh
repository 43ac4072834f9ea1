#!/bin/bash
#
# SAGES beside the programs that a user would take instead, measured in turn on this machine: PyTorch (convolutions, whole
# training steps), LAMMPS (molecular dynamics of diamond), raw MPI-IO and MPI_Allreduce. Prints one table.
#
#   bash jobs/peers/compare.sh [--quick] [--only SECTION,...] [--table]
#       --quick          shorter slices, and PyTorch without torch.compile
#       --only SECTIONS  measures these of conv, step, simulation, scaling, dynamics, reduction, communication, writing and
#                        prints them with what was measured before of the others
#       --table          prints and draws again what was measured before
#
# The table is also in out/peers/compare.csv and .json, the picture in out/peers/peers.png. Nothing else should run
# meanwhile: programs are timed in turn, so that a busy machine widens the spread, but it does so for both sides.
#
# Purpose    figures of speed that anybody can check
# Wall time  about 5 minutes on 2 cores, the first time 5 more to set up and build
# Cost       1 GB of memory; 3 GB of disk for PyTorch from PyPI, in out/peers/python
#
# Environment: SAGES_PEERS_PYTHON, a Python that has what jobs/peers/requirements.txt names, in place of a new virtual
# environment; LAMMPS (binary, default lmp); LAMMPS_POTENTIALS (folder with CH.airebo).

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/../site.sh"
here="$SAGES_ROOT/jobs/peers"
export SAGES_PEERS_OUTPUT="$SAGES_OUTPUT/peers"

case " $* " in
*" --help "* | *" -h "*)
    sed --quiet '3,/^$/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

mkdir --parents "$SAGES_PEERS_OUTPUT"
python="${SAGES_PEERS_PYTHON:-}"
if [[ -z "$python" ]]; then
    python="$SAGES_PEERS_OUTPUT/python/bin/python"
    wanted="$here/requirements.txt"
    if ! cmp --silent "$wanted" "$SAGES_PEERS_OUTPUT/python/requirements.txt"; then
        echo "compare.sh: setting up PyTorch in $SAGES_PEERS_OUTPUT/python" >&2
        # Debian's Python has venv in a package of its own.
        python3 -m venv --clear "$SAGES_PEERS_OUTPUT/python" || {
            echo "compare.sh: Python cannot make a virtual environment; Debian: apt-get install python3-venv" >&2
            exit 69
        }
        "$python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
        cp "$wanted" "$SAGES_PEERS_OUTPUT/python/requirements.txt"
    fi
fi

bash "$SAGES_ROOT/jobs/setup.sh" --data
if [[ " $* " != *" --table "* ]]; then
    swift build --configuration release --scratch-path "$SAGES_BUILD" --package-path "$SAGES_ROOT" \
        --product sages-bench >&2
    read -r -a flags <<< "$(pkg-config --cflags --libs "$SAGES_MPI_PKGCONFIG")"
    cc -O2 -o "$SAGES_PEERS_OUTPUT/raw-write" "$here/raw-write.c" "${flags[@]}"
fi
export SAGES_RAW_WRITE="$SAGES_PEERS_OUTPUT/raw-write"

export SAGES_BENCH="$SAGES_BUILD/release/sages-bench"
export SAGES_AIREBO="${LAMMPS_POTENTIALS:-/usr/share/lammps/potentials}/CH.airebo"
sages_launcher RANKS
SAGES_LAUNCH="${launcher[*]}"
export SAGES_LAUNCH
exec "$python" "$here/compare.py" "$@"
