import Trajectory

/// The verbs that read, convert and show files.
extension VerbSpecification {
    static let `import` = VerbSpecification(
        name: "import",
        summary: "turn LAMMPS, extended XYZ or H5MD files into one H5MD trajectory",
        description: """
            Reads trajectories and writes them as one H5MD file. The format is found from the content, then the \
            name: LAMMPS dump (.gz too; any column order; scaled and unwrapped coordinates), LAMMPS data file, \
            extended XYZ, H5MD. Several files are joined in the order given and must hold the same atoms. Atoms \
            outside a periodic box are wrapped; outside a non-periodic one they are an error. What is written is in \
            Angstrom and picoseconds. Memory is that of one frame, however long the trajectory.
            """,
        positionals: [.init(placeholder: "SRC", help: "a file to read", isRepeatable: true)],
        options: [
            .value("out", "FILE.h5", "the trajectory that is written", kind: .file, isRequired: true),
            .value("timestep", "PS", "picoseconds of one step of the source, where it holds no times"),
            .value("elements", "C,H,...", "the elements of atom types 1, 2, ..., where the source names none"),
            .value("units", "UNITS", "the units of a LAMMPS source", default: Units.metal.rawValue,
                   allowed: Units.allCases.map(\.rawValue)),
            .value("every", "K", "keep every K-th frame", default: "1"),
            .value("environment", "NAME=VALUE", "what the whole run was under, for models with an environment: pressure=2 (GPa), "
                   + "electricFieldX=0.1 (V/Angstrom), ...; temperature and strain rate are otherwise those of the frames",
                   isRepeatable: true),
            .value("deflate", "LEVEL", "compress, 1 (fast) to 9 (small)"),
            .value("precision", "P", "of positions and velocities", default: "float64",
                   allowed: ["float32", "float64"]),
            .json,
        ],
        examples: ["sages import run-1.lammpstrj.gz run-2.lammpstrj.gz --elements C --timestep 0.0005 --out run.h5"],
        exitStatuses: [.data, .noInput, .internal, .io])

    static let generate = VerbSpecification(
        name: "generate",
        summary: "make data with known answers: automata, chemistry",
        description: """
            ca: a three-dimensional automaton of living and dead cells, as grid fields of 1 and 0 with an XDMF file \
            beside them. Rules: four digits as in 4555 (a living cell stays alive with 4 to 5 living ones of its 26 \
            neighbors, a dead one is born with 5 to 5), lists as in B5/S4,5 or B5-7/S6-8, gas (blocks of 2x2x2 cells \
            in which particles fly along diagonals and scatter; every step can be undone), or regions:3546,7878,120 (rule \
            3546, but 7878 in those regions of 8x8x8 cells of which more than 120 live). The first frame is random. \
            The file has the same bytes for every number of ranks.

            chemistry: trajectories of the densities of a reaction network, solved in full by CVODE (backward \
            differentiation, Newton's method with the analytic Jacobian). They begin from the first states of a file of \
            abundances, or from states that a configuration says how to draw. Ranks take a trajectory each as they are done \
            with the last; the file has the same bytes for every number of ranks. A job that ends early goes on where it was.
            """,
        positionals: [.init(placeholder: "WHAT", help: "what to make", kind: .other, allowed: ["ca", "chemistry"])],
        options: [
            .value("rule", "RULE", "ca: 4555, B5/S4,5, gas, ..."),
            .value("grid", "ZxYxX", "ca: cells along z, y, x"),
            .value("frames", "N", "ca: frames, the first one included; a step apart"),
            .value("seed", "S", "ca: of the first frame", default: "1"),
            .value("density", "D", "ca: the probability that a cell lives at first", default: "0.2"),
            .value("boundary", "X,Y,Z", "ca: p (periodic) or o (open) for each axis, as in p,p,o", default: "p,p,p"),
            .value("deflate", "LEVEL", "ca: compress, 1 (fast) to 9 (small)"),
            .value("network", "NETWORK", "chemistry: species and reactions, JSON or KIDA's text", kind: .file),
            .value("initial", "FILE.h5", "chemistry: trajectories from whose first states and at whose times to solve", kind: .file),
            .value("config", "SAMPLING.json5", "chemistry: how the first states are drawn", kind: .file),
            .value("unknowns", "WHAT", "chemistry: of the equations, densities (conserved to rounding) or their logarithms",
                   default: "densities", allowed: ["densities", "logarithms"]),
            .value("matrix", "FORM", "chemistry: how Newton's equations are solved, sparse (KLU) or dense", default: "sparse",
                   allowed: ["sparse", "dense"]),
            .value("relative", "TOLERANCE", "chemistry: relative tolerance of CVODE", default: "1e-8"),
            .value("absolute", "TOLERANCE", "chemistry: absolute tolerance of densities, cm^-3", default: "1e-22"),
            .value("out", "FILE.h5", "the file that is written", kind: .file, isRequired: true),
            .json,
        ],
        examples: [
            "mpirun -n 4 sages generate ca --rule 4555 --grid 64x48x40 --frames 51 --seed 7 --out life.h5",
            "mpirun -n 4 sages generate chemistry --network osu2008.json --config six-parameters.json5 --out train.h5",
        ],
        exitStatuses: [.data, .noInput, .internal, .io])

    static let export = VerbSpecification(
        name: "export",
        summary: "turn an H5MD trajectory into extended XYZ, LAMMPS dump, XDMF or CSV",
        description: """
            Writes what a trajectory holds in another format. XDMF is a small XML file beside the HDF5 file, which \
            ParaView and VisIt open; CSV holds the observables over time.
            """,
        positionals: [.init(placeholder: "FILE.h5", help: "an H5MD trajectory")],
        options: [
            .value("format", "FORMAT", "the format to write", allowed: ["extxyz", "lammpstrj", "xdmf", "csv"],
                   isRequired: true),
            .value("out", "FILE", "the file that is written", kind: .file, isRequired: true),
            .value("frames", "FIRST:END", "frames FIRST to END - 1, from 0; default all"),
        ],
        examples: ["sages export rollout.h5 --format extxyz --out rollout.xyz"],
        exitStatuses: [.data, .noInput, .internal, .io])

    static let info = VerbSpecification(
        name: "info",
        summary: "say what a file is, where it comes from and what shapes it holds",
        description: """
            Opens a file that SAGES writes (a model or checkpoint, an H5MD trajectory, grid fields) and prints its \
            kind, its provenance and the shapes of its datasets.
            """,
        positionals: [.init(placeholder: "FILE.h5", help: "the file to look at")],
        options: [.json],
        examples: ["sages info model.h5 --json"],
        exitStatuses: [.data, .noInput, .io])

    static let plot = VerbSpecification(
        name: "plot",
        summary: "draw trajectories and training metrics as PNG or SVG",
        description: """
            Draws what a trajectory holds: temperature and energy over time, g(r), spectrum and displacement of the \
            motion, the height of a sheet, a slice through the box; with --reference, beside another trajectory (molecular \
            dynamics), and the largest difference is stated; the clusters of atoms that sages patterns found; how \
            what --force pushed goes on through the box. Of grid fields, a slice of the last frame (with --reference, of the last \
            that both have, and where they differ) and the sum over time. With --metrics, the loss curves of a training. \
            Needs gnuplot.
            """,
        positionals: [.init(placeholder: "FILE.h5", help: "an H5MD trajectory, or grid fields", isOptional: true)],
        options: [
            .value("out", "DIR", "the folder for the pictures; made where it is not there", kind: .folder,
                   isRequired: true),
            .value("format", "FORMAT", "the format of the pictures", default: "png", allowed: ["png", "svg"]),
            .value("reference", "MD.h5", "a trajectory to compare with", kind: .file),
            .value("energies", "FILE.csv", "potential energies of some frames, eV, for the drift of the total energy: columns "
                   + "step and potential, as jobs/data/make-carbon.sh energies writes them", kind: .file),
            .value("reference-energies", "FILE.csv", "the same for the reference", kind: .file),
            .value("metrics", "FILE.csv", "the metrics of a training", kind: .file),
            .flag("scripts", "keep the gnuplot script of each picture beside it"),
            .json,
        ],
        examples: ["sages plot rollout.h5 --reference md.h5 --metrics model.metrics.csv --out plots"],
        exitStatuses: [.data, .noInput, .internal, .io])
}
