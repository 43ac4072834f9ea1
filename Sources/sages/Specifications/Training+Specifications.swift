/// The verbs that train and use models.
extension VerbSpecification {
    static let train = VerbSpecification(
        name: "train",
        summary: "train a model from a configuration, or go on with a checkpoint",
        description: """
            Trains the model that CONFIG.json5 describes, on all ranks of mpirun or srun. The weights are the same \
            for every number of ranks. Checkpoints are written to MODEL.h5 as the configuration says, and on SIGTERM \
            or SIGUSR1 (then the exit status is 75); --resume goes on from the last one, on any number of ranks, and \
            ends with the weights of an uninterrupted run. Metrics are written beside the model as CSV and JSON lines.

            With --explain, prints every key of the configuration with its meaning, type and default, and ends.
            """,
        positionals: [.init(placeholder: "CONFIG.json5", help: "the configuration, JSON5")],
        options: [
            .value("set", "KEY=VALUE", "set one key of the configuration, for example training.steps=500",
                   isRepeatable: true),
            .value("out", "MODEL.h5", "where the model is written; default is the configuration's output.model",
                   kind: .file),
            .flag("resume", "go on from the checkpoint in MODEL.h5; where there is none, begin"),
            .flag("explain", "print every key of the configuration and end"),
            .threads,
            .json,
        ],
        examples: ["mpirun -n 2 sages train jobs/configs/quickstart.json5 --set training.steps=500 --out model.h5"],
        exitStatuses: [.data, .noInput, .internal, .io, .resumable])

    static let simulate = VerbSpecification(
        name: "simulate",
        summary: "run a trained model from a start state, distributed over ranks",
        description: """
            Runs N steps of the model from the last frame of START.h5 (or the one of --frame) and writes the \
            trajectory as H5MD. The grid is decomposed over the ranks of mpirun or srun; the output has the same \
            bytes for every number of ranks and every decomposition. Stops after the step under way, \
            with exit status 75, on SIGTERM or SIGUSR1. Then, and now and then before, it leaves its state in \
            OUT.h5.restart, in double precision. --resume goes on from there or from the last frame in OUT.h5, \
            whichever is later, after a kill too, and ends with the bytes of an uninterrupted run's frames. From \
            single precision it goes on from OUT.h5.restart alone, which then stays when all steps are done.

            A model of a grid's cells (model.state "grid") runs from a file of grid fields, as sages generate ca makes \
            them, and writes such a file; options about atoms are errors then. With --coarse, regions of 16x16x16 cells run \
            at that level where the upper end of the error that --confidence expects is within --tolerance, and at level 0 \
            elsewhere.

            --force pushes every atom of a region, in eV/Angstrom as LAMMPS's fix addforce does in metal units: \
            REGION:FX,FY,FZ, followed by @FIRST-LAST where it acts during these steps only (from 1; LAST may be left out). \
            REGION is all, or conditions such as x=0..3.5,z=..10 (Angstrom), cell-y=0..2 (cells of the model's grid) and \
            id=1..100, all of which must hold at the moment of the push. Momentum changes by just this impulse, which the \
            output has so far as the observables impulse_x, impulse_y and impulse_z (u Angstrom/ps).
            A model of a coarse level (model.state "level") starts from as many frames as one of its steps has, from --frame \
            on (the last ones by default); each state is decoded to the last frame that it covers.
            """,
        positionals: [.init(placeholder: "MODEL.h5", help: "a trained model")],
        options: [
            .value("input", "START.h5", "the trajectory that holds the start state", kind: .file, isRequired: true),
            .value("frame", "N", "the frame to start from, from 0; negative counts from the end", default: "-1"),
            .value("steps", "N", "steps of the model", isRequired: true),
            .value("out", "OUT.h5", "the trajectory that is written", kind: .file, isRequired: true),
            .value("every", "K", "write every K-th step", default: "1"),
            .value("precision", "P", "of positions and velocities: float64 (default) or float32, half as large", allowed: ["float32", "float64"]),
            .value("deflate", "LEVEL", "compress (gzip after byte shuffling), 1 (fast) to 9 (small); lossless"),
            .value("flush", "SECONDS", "bring frames to the disk at most this often: a killed job loses no more than the "
                   + "frames of this time; 0 for every frame", default: "1"),
            .value("restart", "SECONDS", "leave the state in OUT.h5.restart at most this often; 0 after every step",
                   default: "60"),
            .value("writers", "N", "ranks that write; default: as many as have 1 MB of a frame to write. 1 for an output "
                   + "on NFS that several nodes run towards"),
            .value("decomposition", "AxBxC", "parts of the grid along x, y, z; default: smallest surface"),
            .value("boundary", "X,Y,Z", "p (periodic) or o (open) for each axis, as in p,p,o; default: the input's"),
            .value("replicate", "AxBxC", "copies of the start state along x, y, z", default: "1x1x1"),
            .value("environment", "NAME=VALUE", "set an environment variable of the model, for example temperature=300",
                   isRepeatable: true),
            .value("force", "REGION:FX,FY,FZ", "a force on atoms of a region, eV/Angstrom, see above", isRepeatable: true),
            .value("confidence", "CONFIDENCE.h5", "write the error that a network of kind confidence expects of each atom; with "
                   + "--coarse, a network of confidence in that level", kind: .file),
            .value("coarse", "LEVEL.h5", "a coarse level that takes over regions of a grid where --confidence finds it good enough",
                   kind: .file),
            .value("tolerance", "X", "with --coarse: the part of a region's cells that may be wrong after a step of that level"),
            .flag("resume", "go on from OUT.h5 or the state beside it; where there is none, begin"),
            .threads,
            .json,
        ],
        examples: ["mpirun -n 4 sages simulate model.h5 --input run.h5 --steps 1000 --every 10 --out rollout.h5"],
        exitStatuses: [.data, .noInput, .internal, .io, .resumable])

    static let evaluate = VerbSpecification(
        name: "evaluate",
        summary: "compare a model with data and with baselines",
        description: """
            Prints the errors of one step of the model on every frame of the data, beside those of baselines that need \
            no network: uniform motion (ballistic), no motion (persistence), and a regression on lattice neighbors \
            that sages train fitted on the training set (linear). With --rollout, also what becomes of temperature, \
            g(r), velocity autocorrelation and its spectrum, displacement, the height of sheets, momentum and the number \
            of atoms over many steps, beside the data and, where that makes sense, beside the difference between the \
            data's halves. Ranks share the frames, and the grid of the rollout; the figures are the same for every number \
            of ranks.

            With --elastic or --stress (predictor "bonds"), in place of errors: elastic constants of the frame's atoms, \
            relaxed in their box; or the change of the stress from the first frame in every frame. Both follow from the \
            potential in which slow motion takes place: the sum of a step's kicks over the time step.

            Of a model of a grid's cells: the part of the cells that it gets right, and frames without a wrong one, in \
            single steps and over a rollout, beside no change and empty grids.

            With --sensitivity, instead: the derivatives of an observable of the atoms of a region after N steps by every \
            atom's position and velocity at the start, by reverse mode through the rollout, in double precision; --out \
            keeps them for sages plot. The region's atoms are those that are in it at the start. Observables of atoms: \
            temperature, kinetic-energy, momentum-x, -y or -z, mean-square-displacement, position-x, -y or -z. Of a \
            model of a grid's cells: population, with cells as probabilities and no rounding between steps.

            With --confidence, instead: the part of the true errors that is in the bands of a network of confidence, its \
            rank correlation with them, and its time, beside those of the spread of an ensemble of models.
            Of a model of a coarse level: the same of one of its steps, decoded, at the last frame that the step predicts; \
            what its codes give back, and how far they spread. Steps of a rollout are those of the level.
            """,
        positionals: [.init(placeholder: "MODEL.h5", help: "a trained model")],
        options: [
            .value("data", "FILE.h5", "the data to compare with", kind: .file, isRequired: true),
            .value("rollout", "N", "also run N steps"),
            .value("beside", "LEVEL0.h5", "of a coarse level: a model of level 0 to compare with at the same horizon",
                   kind: .file),
            .flag("elastic", "elastic constants of a frame's crystal"),
            .value("strain", "E", "by which the crystal is strained both ways for them", default: "1e-4"),
            .flag("stress", "the change of the stress in every frame"),
            .value("frame", "N", "the frame that the rollout starts from, or that is strained, from 0", default: "0"),
            .value("sensitivity", "OBSERVABLE", "derivatives of this observable by the start of a rollout"),
            .value("steps", "N", "of the rollout that is differentiated", default: "10"),
            .value("region", "X,Y,Z,X,Y,Z", "two corners of a box, Angstrom, or the first cell of one and the one behind its "
                   + "last: what is observed there; default: everything"),
            .value("atom", "ID", "observe this atom alone"),
            .flag("check", "compare the derivatives with finite perturbations; status 70 if they differ by more than 1e-3"),
            .value("confidence", "CONFIDENCE.h5", "how well a network of kind confidence knows the errors of the model's steps",
                   kind: .file),
            .value("ensemble", "MODEL.h5", "a model whose spread with others is compared with --confidence; at least two",
                   kind: .file, isRepeatable: true),
            .value("out", "OUT.h5", "a file for the derivatives by every atom or cell, or for the errors of the first frame",
                   kind: .file),
            .threads,
            .json,
        ],
        examples: ["sages evaluate model.h5 --data test.h5 --rollout 1000 --json",
                   "sages evaluate model.h5 --data test.h5 --sensitivity temperature --steps 20 --out sensitivity.h5"],
        exitStatuses: [.data, .noInput, .internal, .io])

    static let patterns = VerbSpecification(
        name: "patterns",
        summary: "find recurring structures of a trajectory in what a model knows of its atoms",
        description: """
            Runs the network of a model of atoms on frames of a trajectory up to the vectors that it predicts from, its \
            codes, and clusters them: along the directions in which atoms differ for longer than they vibrate, by k-means, \
            whose centers are joined by Ward's criterion until --clusters are left; without it, the greatest number from 2 to \
            8 whose silhouette is at least 0.85 of the best and at least a half; one where atoms differ by no more than they vibrate. Prints for each cluster its share of the atoms, mean energy (over that of all \
            atoms), mean number of neighbors, how long atoms stay in it, and its most typical atom. OUT.h5 holds the frames \
            as H5MD with every atom's cluster, energy and neighbors under /particles/all, and the clusters, their centers \
            and their hierarchy under /patterns; sages plot draws them. The same on any number of ranks.
            """,
        positionals: [.init(placeholder: "MODEL.h5", help: "a trained model of atoms")],
        options: [
            .value("data", "FILE.h5", "the trajectory", kind: .file, isRequired: true),
            .value("out", "OUT.h5", "the trajectory with clusters that is written", kind: .file, isRequired: true),
            .value("clusters", "K", "how many; default: chosen"),
            .value("leaves", "N", "centers of k-means, which are joined", default: "24"),
            .value("seed", "S", "of the first centers", default: "1"),
            .value("frames", "FIRST:END", "frames FIRST to END - 1, from 0; default all"),
            .value("every", "K", "every K-th of them", default: "1"),
            .threads,
            .json,
        ],
        examples: ["mpirun -n 4 sages patterns jobs/models/carbon.h5 --data run.h5 --clusters 3 --out patterns.h5"],
        exitStatuses: [.data, .noInput, .internal, .io])

    static let bench = VerbSpecification(
        name: "bench",
        summary: "measure the speed of this machine and of SAGES on it",
        description: """
            Times one part: conv (convolution kernels), step (a training and a simulation step), halo (exchange of \
            neighbors' cells), allreduce (reduction of gradients), overlap (communication \
            that is not hidden), io (collective writing), memory (the machine's own \
            limits). Prints the median, the fastest and the slowest of several repeats, and where it is known the \
            share of the processor's peak and of what its roofline allows.

            With --model, fits a model of performance to this machine, predicts the run on the given ranks and \
            measures it, and states the time of steps on 64 to 4,096 ranks with its assumptions.
            """,
        positionals: [.init(placeholder: "WHAT", help: "what to measure", kind: .other, isOptional: true,
                            allowed: ["conv", "step", "halo", "allreduce", "overlap", "io", "memory"])],
        options: [
            .flag("model", "the model of performance, in place of WHAT"),
            .value("delay", "MS", "pretend that each message takes MS milliseconds at least"),
            .value("latency", "US", "of the network that the model is stated for, microseconds; default 2"),
            .value("bandwidth", "GB/S", "of a node to that network; default 25"),
            .value("ranks-per-node", "N", "that share it; default 64"),
            .json,
        ],
        examples: ["mpirun -n 2 sages bench halo --json", "mpirun -n 2 sages bench --model --latency 1.5"],
        exitStatuses: [.internal])
}
