#!/bin/bash
#
# Looks for what SAGES needs and, on Debian or Ubuntu as root or with sudo that asks no password, installs what is
# missing. Elsewhere it says what is missing and how to get it.
#
#   bash jobs/setup.sh [--slurm] [--data]
#       --slurm   also a Slurm for jobs/slurm/local-cluster.sh
#       --data    also LAMMPS, for jobs/data/make-carbon.sh
#
# Exit status 0 when all that is essential is there, 69 otherwise. Running it again changes nothing.
#
# Purpose    from a bare machine to one that builds and runs SAGES
# Wall time  1 s when all is there, 1 to 3 minutes otherwise
# Cost       about 300 MB of packages; Swift itself is not installed

set -euo pipefail
# shellcheck source=jobs/site.sh
source "$(dirname "${BASH_SOURCE[0]}")/site.sh"
PATH="$PATH:/usr/sbin:/sbin"

# Called by name, from the table below.
# shellcheck disable=SC2317
has_command() { command -v "$1" > /dev/null 2>&1; }
# shellcheck disable=SC2317
has_library() { has_command pkg-config && pkg-config --exists "$1" 2> /dev/null; }
# shellcheck disable=SC2317
has_slurm() { has_command slurmctld && has_command slurmd && has_command munged && has_command sbatch; }
# shellcheck disable=SC2317
# True without a Swift too: that it is missing is said below.
# shellcheck disable=SC2317
swift_starts() { ! has_command swift || swift build --version > /dev/null 2>&1; }
# shellcheck disable=SC2317
has_header() { echo "#include <$1>" | cc -E - > /dev/null 2>&1; }
# shellcheck disable=SC2317
has_h5py() { python3 -c 'import h5py' 2> /dev/null || /usr/bin/python3 -c 'import h5py' 2> /dev/null; }

# Debian's packages of the MPI that the site has chosen.
case "$SAGES_MPI_PKGCONFIG" in
mpich*) mpi=libmpich-dev hdf5=libhdf5-mpich-dev starter=mpich ;;
*) mpi=libopenmpi-dev hdf5=libhdf5-openmpi-dev starter=openmpi-bin ;;
esac
[[ "$SAGES_LAUNCHER" != srun ]] || starter=slurm-client

mpi_module="$SAGES_MPI_PKGCONFIG" hdf5_module="$SAGES_HDF5_PKGCONFIG" blas_module="$SAGES_OPENBLAS_PKGCONFIG"

# What the toolchain of swift.org is linked to, and a C++ library for its compiler to find headers in.
swift_libraries="binutils git libcurl4-openssl-dev libedit2 libncurses6 libsqlite3-0 libstdc++-12-dev libxml2-dev tzdata"

# One need a line: essential or not | what | test | Debian packages | what it is for
needs=(
    "essential|C compiler|has_command cc|gcc libc6-dev|linking"
    "essential|pkg-config|has_command pkg-config|pkg-config|finding the libraries"
    "essential|MPI (pkg-config $mpi_module)|has_library $mpi_module|$mpi|every parallel run"
    "essential|$SAGES_LAUNCHER|has_command $SAGES_LAUNCHER|$starter|starting ranks"
    "essential|parallel HDF5 (pkg-config $hdf5_module)|has_library $hdf5_module|$hdf5|every file"
    "essential|OpenBLAS (pkg-config $blas_module)|has_library $blas_module|libopenblas-dev|dense layers"
    "essential|SUNDIALS (cvode/cvode.h)|has_header cvode/cvode.h|libsundials-dev|stiff differential equations"
    "essential|zlib|has_library zlib|zlib1g-dev|compressed dumps"
    "essential|what Swift needs of the system|swift_starts|$swift_libraries|the compiler"
    "optional|gnuplot|has_command gnuplot|gnuplot-nox|sages plot"
    "optional|h5diff|has_command h5diff|hdf5-tools|comparing outputs in the tests"
    "optional|h5py|has_h5py|python3-h5py|reading trajectories with another program in the tests"
    "optional|CMake|has_command cmake|cmake|libsages for C, C++ and Fortran"
    "optional|Ninja|has_command ninja|ninja-build|libsages for C, C++ and Fortran"
)
for option in "$@"; do
    case "$option" in
    --slurm) needs+=("essential|Slurm and munge|has_slurm|slurm-wlm munge|the local cluster") ;;
    --data) needs+=("essential|LAMMPS|has_command ${LAMMPS:-lmp}|lammps lammps-data|making data") ;;
    --help | -h)
        sed --quiet '3,/^$/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *)
        echo "setup.sh: unknown option \"$option\"; --slurm and --data are known" >&2
        exit 64
        ;;
    esac
done

# Prints the needs that are not met.
missing() {
    local need test
    for need in "${needs[@]}"; do
        IFS='|' read -r _ _ test _ <<< "$need"
        $test || echo "$need"
    done
}

# The command that makes us root, if any.
become=()
[[ "$(id --user)" == 0 ]] || become=(sudo --non-interactive)

can_install() {
    has_command apt-get || return 1
    [[ "$(id --user)" == 0 ]] || { has_command sudo && sudo --non-interactive true 2> /dev/null; }
}

install() {
    ${become[@]+"${become[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get --quiet --yes --no-install-recommends install "$@"
}

# Installs packages; fetches the lists of packages only where the ones here do not do. One that cannot be had must not
# keep the others away.
install_all() {
    install "$@" && return
    ${become[@]+"${become[@]}"} apt-get --quiet update || true
    install "$@" && return
    local package
    for package in "$@"; do
        install "$package" || true
    done
}

if [[ -n "$(missing)" ]] && can_install; then
    read -r -a packages <<< "$(missing | cut --delimiter='|' --fields=4 | tr '\n' ' ')"
    echo "setup.sh: installing ${packages[*]}"
    log="$(mktemp)"
    install_all "${packages[@]}" > "$log" 2>&1
    if [[ -n "$(missing)" ]]; then
        grep --extended-regexp '^(E|W):' "$log" | sort --unique >&2 || true
    fi
    rm --force "$log"
fi

essential=0
while IFS='|' read -r kind what _ packages purpose; do
    [[ -n "$kind" ]] || continue
    echo "setup.sh: missing ($kind): $what, for $purpose; Debian: apt-get install $packages;" \
        "a cluster: load its module, and set its name in jobs/site.sh" >&2
    [[ "$kind" == optional ]] || essential=69
done < <(missing)

if ! has_command swift; then
    echo "setup.sh: missing (essential): Swift 6.2 or newer, the compiler; https://www.swift.org/install/linux" >&2
    essential=69
elif ! swift_starts; then
    echo "setup.sh: Swift does not start: $(swift build --version 2>&1 | head --lines=1)" >&2
    essential=69
else
    version="$(swift --version 2>&1 | sed --quiet 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head --lines=1)"
    if [[ "$(printf '%s\n' 6.2 "$version" | sort --version-sort | head --lines=1)" != 6.2 ]]; then
        echo "setup.sh: Swift $version is too old, 6.2 or newer is needed; https://www.swift.org/install/linux" >&2
        essential=69
    fi
fi

if ((essential == 0)); then
    echo "setup.sh: all that is essential is here: $(swift --version 2>&1 | grep --only-matching --max-count=1 \
        'Swift version [0-9.]*'), $SAGES_MPI_PKGCONFIG $(pkg-config --modversion "$SAGES_MPI_PKGCONFIG")," \
        "$SAGES_HDF5_PKGCONFIG $(pkg-config --modversion "$SAGES_HDF5_PKGCONFIG")"
fi
exit "$essential"
