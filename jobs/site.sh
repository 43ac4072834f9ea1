# shellcheck shell=bash
#
# The settings of this site. Every script of jobs/ sources this file and no other; a value that is in the environment
# already wins over the one here, so that one run may differ without an edit.
#
# On a cluster, edit: the modules, the launcher, the instruction set of the compute nodes.

SAGES_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export SAGES_ROOT

# Modules, for example:
# module load gcc openmpi hdf5/parallel openblas

# pkg-config names of what SAGES links. Debian's: ompi-c, hdf5-openmpi, openblas; with MPICH: mpich, hdf5-mpich.
export SAGES_MPI_PKGCONFIG="${SAGES_MPI_PKGCONFIG:-ompi-c}"
export SAGES_HDF5_PKGCONFIG="${SAGES_HDF5_PKGCONFIG:-hdf5-openmpi}"
export SAGES_OPENBLAS_PKGCONFIG="${SAGES_OPENBLAS_PKGCONFIG:-openblas}"

# Instruction set of the kernels, as for a C compiler's -march: the compute nodes', where they differ from this machine.
export SAGES_ARCH="${SAGES_ARCH:-native}"

# The commit, built into the program for the provenance of its files.
if [[ -z "${SAGES_COMMIT:-}" ]]; then
    SAGES_COMMIT="$(git -C "$SAGES_ROOT" describe --always --dirty --abbrev=40 --exclude='*' 2> /dev/null || true)"
fi
export SAGES_COMMIT

# Where SwiftPM builds, and where scripts put what they make.
SAGES_BUILD="${SAGES_BUILD:-$SAGES_ROOT/.build}"
SAGES_OUTPUT="${SAGES_OUTPUT:-$SAGES_ROOT/out}"

# What starts ranks: mpirun or srun. Both work within a Slurm job; srun wants a Slurm with PMIx.
SAGES_LAUNCHER="${SAGES_LAUNCHER:-mpirun}"
SAGES_SRUN_MPI="${SAGES_SRUN_MPI:-pmix}"
# Ranks of a run outside Slurm. Within a job it is the job's number of tasks.
SAGES_RANKS="${SAGES_RANKS:-${SLURM_NTASKS:-2}}"

# One thread a rank: ranks are the parallelism, and idle BLAS threads only steal their cores.
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

# Open MPI refuses root unless told twice; a container has often no other user.
if [[ "$(id --user)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# Containers forbid one process to read another's memory; Open MPI then warns at every start and copies anyway.
if [[ -e /.dockerenv || -n "${container:-}" || "$(id --user)" == 0 ]]; then
    export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
fi

# Fills the array `launcher` with the command that starts a number of ranks: sages_launcher RANKS
# An array and not a function, for a job script must know the launcher's own process to signal it.
sages_launcher() {
    case "$SAGES_LAUNCHER" in
    srun)
        launcher=(srun --mpi="$SAGES_SRUN_MPI" --ntasks="$1")
        ;;
    mpirun)
        launcher=(mpirun -n "$1")
        # A workstation: more ranks than cores are welcome, and two runs at once must not share the first core.
        if [[ -z "${SLURM_JOB_ID:-}" && "$SAGES_MPI_PKGCONFIG" == ompi* ]]; then
            launcher=(mpirun --oversubscribe --bind-to none -n "$1")
        fi
        ;;
    *)
        echo "site.sh: SAGES_LAUNCHER is \"$SAGES_LAUNCHER\", but mpirun or srun are known" >&2
        return 64
        ;;
    esac
}

# Runs a command on a number of ranks: sages_run RANKS COMMAND...
sages_run() {
    local launcher
    sages_launcher "$1"
    shift
    "${launcher[@]}" "$@"
}
