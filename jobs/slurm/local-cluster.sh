#!/bin/bash
#
# A real Slurm on this one machine, for trying the job scripts: slurmctld, two nodes (n1, n2) as two slurmd, and
# munge, all on loopback, in a folder of their own. Nothing of a system-wide Slurm is read or changed.
#
#   jobs/slurm/local-cluster.sh start      starts it, waits until both nodes are idle
#   eval "$(jobs/slurm/local-cluster.sh environment)"
#   sbatch jobs/slurm/train.sbatch ...
#   jobs/slurm/local-cluster.sh status     nodes and jobs; exit status 1 if it is not running
#   jobs/slurm/local-cluster.sh stop       cancels its jobs and ends its daemons
#
# Purpose    to see jobs start, hit their time limit, be requeued and finish, without a cluster
# Wall time  start 1 s, stop 8 s
# Cost       three idle daemons; as root or as any user (then only this user's jobs run)
#
# Needs Debian's slurm-wlm and munge: jobs/setup.sh --slurm. No systemd, no cgroups, no data base.
# Environment, all optional:
#   SAGES_SLURM_FOLDER    configuration, state and logs   (default /tmp/sages-slurm-UID; short, for sockets are in it)
#   SAGES_SLURM_PORT      first of three ports            (default 26817)
#   SAGES_SLURM_CPUS      CPUs that each node claims      (default 4, whatever the machine has)

set -euo pipefail

folder="${SAGES_SLURM_FOLDER:-${TMPDIR:-/tmp}/sages-slurm-$(id -u)}"
port="${SAGES_SLURM_PORT:-26817}"
cpus="${SAGES_SLURM_CPUS:-4}"
nodes=(n1 n2)
# Daemons live in sbin, which a plain user's PATH may lack.
PATH="$PATH:/usr/sbin:/sbin"
export SLURM_CONF="$folder/slurm.conf"

fail() {
    echo "local-cluster.sh: $2" >&2
    exit "$1"
}

# The process of a pid file, if it lives and is the program that we started: process_of FILE PROGRAM
process_of() {
    local pid
    [[ -r "$1" ]] || return 1
    pid="$(tr --complement --delete '0-9' < "$1")"
    [[ -n "$pid" && -r "/proc/$pid/cmdline" ]] || return 1
    tr '\0' ' ' < "/proc/$pid/cmdline" | grep --quiet --fixed-strings --regexp="$2" || return 1
    echo "$pid"
}

daemons() { # pid file and program of each
    echo "$folder/slurmctld.pid slurmctld"
    local node
    for node in "${nodes[@]}"; do
        echo "$folder/$node.pid slurmd"
    done
    echo "$folder/munge/munged.pid munged"
}

running() {
    local file program
    while read -r file program; do
        process_of "$file" "$program" > /dev/null || return 1
    done < <(daemons)
}

write_configuration() {
    local host user index
    host="$(hostname --short)"
    user="$(id --user --name)"
    {
        cat << END
# Made by local-cluster.sh.
ClusterName=sages
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
# A requeued job waits for its old credential to expire: two minutes by default.
AuthInfo=socket=$folder/munge/socket,cred_expire=10
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
# No cgroups: a container seldom lets us make them.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# srun's PMIx keeps files by job here: one folder a node, for both nodes are this machine.
TmpFS=$folder/%n
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=5,bf_interval=5
# Nodes claim more CPUs than there are.
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=5
MailProg=/bin/true
END
        for index in "${!nodes[@]}"; do
            echo "NodeName=${nodes[index]} NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1 + index))" \
                "CPUs=$cpus RealMemory=1000 State=UNKNOWN"
        done
        echo "PartitionName=local Nodes=$(IFS=,; echo "${nodes[*]}") Default=YES MaxTime=INFINITE State=UP"
    } > "$SLURM_CONF"
}

start() {
    local program node
    for program in munged slurmctld slurmd sbatch; do
        command -v "$program" > /dev/null || fail 69 "no $program here; run: bash jobs/setup.sh --slurm"
    done
    if running; then
        echo "local-cluster.sh: running already in $folder"
        return
    fi
    stop > /dev/null 2>&1 || true
    # A Unix socket's path has at most 107 characters.
    ((${#folder} < 90)) || fail 64 "the folder's name is too long for a socket: $folder; set SAGES_SLURM_FOLDER"

    rm --recursive --force "$folder"
    mkdir --parents "$folder/state" "$folder/munge"
    for node in "${nodes[@]}"; do
        mkdir "$folder/$node" "$folder/spool-$node"
    done
    # The munge library accepts a socket only where every user could reach it, munged a key only where none can.
    chmod 755 "$folder" "$folder/munge"
    (umask 077 && head --bytes=1024 /dev/urandom > "$folder/munge/key")
    write_configuration

    munged --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/munged.pid" \
        --log-file="$folder/munge/munged.log" --seed-file="$folder/munge/seed"
    slurmctld -i -f "$SLURM_CONF"
    for node in "${nodes[@]}"; do
        slurmd -N "$node" -f "$SLURM_CONF"
    done

    local deadline=$((SECONDS + 60))
    until [[ "$(sinfo --noheader --Node --format=%T 2> /dev/null | grep --count --line-regexp idle)" \
        == "${#nodes[@]}" ]]; do
        if ((SECONDS > deadline)); then
            tail --lines=5 "$folder"/*.log >&2
            stop > /dev/null 2>&1 || true
            fail 70 "the nodes were not idle within a minute; the logs are in $folder"
        fi
        sleep 0.5
    done
    echo "local-cluster.sh: nodes ${nodes[*]} are idle; logs in $folder"
    echo "local-cluster.sh: to use it: eval \"\$(jobs/slurm/local-cluster.sh environment)\""
}

stop() {
    local file program pid deadline
    [[ -d "$folder" ]] || {
        echo "local-cluster.sh: not running"
        return
    }
    # Jobs first: without slurmd nothing would end their processes.
    if process_of "$folder/slurmctld.pid" slurmctld > /dev/null; then
        timeout 10 scancel --full --user="$(id --user --name)" 2> /dev/null || true
        deadline=$((SECONDS + 20))
        while ((SECONDS < deadline)) && [[ -n "$(timeout 10 squeue --noheader 2> /dev/null)" ]]; do
            sleep 0.5
        done
    fi
    while read -r file program; do
        pid="$(process_of "$file" "$program")" || continue
        kill "$pid"
        deadline=$((SECONDS + 10))
        while kill -0 "$pid" 2> /dev/null; do
            ((SECONDS < deadline)) || kill -KILL "$pid" 2> /dev/null || true
            sleep 0.2
        done
    done < <(daemons)
    echo "local-cluster.sh: stopped"
}

case "${1:-}" in
start) start ;;
stop) stop ;;
status)
    running || fail 1 "not running"
    sinfo
    squeue
    ;;
environment)
    running || fail 1 "not running"
    echo "export SLURM_CONF='$SLURM_CONF'"
    # Ranks of both "nodes" would share this machine's memory under the same names: let them talk by TCP.
    echo "export OMPI_MCA_btl=self,tcp"
    ;;
*) fail 64 "one of start, status, environment, stop" ;;
esac
