// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Site settings, all optional, all from the environment (see jobs/site.sh):
//   SAGES_MPI_PKGCONFIG       pkg-config name of MPI            (default ompi-c; mpich on MPICH systems)
//   SAGES_HDF5_PKGCONFIG      pkg-config name of parallel HDF5  (default hdf5-openmpi; hdf5-mpich)
//   SAGES_OPENBLAS_PKGCONFIG  pkg-config name of OpenBLAS       (default openblas)
//   SAGES_ARCH                instruction set of the kernels, as for -march (default native)
//   SAGES_COMMIT              the commit being built, for provenance (set by jobs/site.sh from git; default unknown)
//   SAGES_DISTRIBUTED_TESTS   1 builds the tests that run under mpirun, which need -enable-testing (set by jobs/test.sh)
let environment = ProcessInfo.processInfo.environment
func setting(_ name: String, _ fallback: String) -> String {
    guard let value = environment[name], !value.isEmpty else { return fallback }
    return value
}

let architecture = setting("SAGES_ARCH", "native")

/// The kernels alone are compiled unchecked and for the chosen instruction set; `-Xcc -march` sets Swift's own
/// code generation too, and without it a fused multiply-add becomes a call of `fmaf`. One pass of the compiler would take a
/// quarter of their build, and LLVM does its work as well.
let kernelSettings: [SwiftSetting] = [
    .unsafeFlags(["-Ounchecked", "-Xcc", "-march=\(architecture)",
                  "-Xllvm", "-sil-disable-pass=early-redundant-load-elimination"])
]

/// Run under mpirun by jobs/test.sh on 1, 2, 3, 4, 6 and 8 ranks.
let distributedTests: [Target] = setting("SAGES_DISTRIBUTED_TESTS", "0") == "0" ? [] : [
    // A malloc that counts, for tests of code that must not allocate.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .executableTarget(name: "distributed-tests",
                      dependencies: ["SAGESnet", "CellularAutomata", "Training", "Trajectory", "Grid", "Autodiff",
                                     "NeuralNetworks", "Tensor", "Kernels", "MPI", "HDF5", "Diagnostics",
                                     "AllocationCounter", "CMessageObserver", "SAGESnetTestSupport"],
                      path: "Tests/DistributedTests"),
]

// A module depends only on modules above it.
let package = Package(
    name: "SAGES",
    products: [
        .executable(name: "sages", targets: ["sages"]),
        .executable(name: "sages-bench", targets: ["sages-bench"]),
        .library(name: "SAGESC", type: .dynamic, targets: ["SAGESC"]),
    ],
    targets: [
        // System libraries: a module map and one shim header each.
        .systemLibrary(name: "CMPI", pkgConfig: setting("SAGES_MPI_PKGCONFIG", "ompi-c"),
                       providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: setting("SAGES_HDF5_PKGCONFIG", "hdf5-openmpi"),
                       providers: [.apt(["libhdf5-openmpi-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: setting("SAGES_OPENBLAS_PKGCONFIG", "openblas"),
                       providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSUNDIALS", providers: [.apt(["libsundials-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // The instruction set that the kernels are compiled for, told by the preprocessor: a header and one constant.
        .target(name: "CInstructionSet", cSettings: [.unsafeFlags(["-march=\(architecture)"])]),
        // The processor's bfloat16 products, as inline functions; no library.
        .systemLibrary(name: "CBFloat16"),

        // The commit and the name of the instruction set: one C file, recompiled alone when either changes.
        .target(name: "CBuildInformation",
                cSettings: [.define("SAGES_COMMIT", to: "\"\(setting("SAGES_COMMIT", ""))\""),
                            .define("SAGES_ARCHITECTURE", to: "\"\(architecture)\"")]),
        .target(name: "Diagnostics", dependencies: ["CBuildInformation", "CInstructionSet"]),
        .target(name: "Configuration", dependencies: ["Diagnostics"]),
        .target(name: "MPI", dependencies: ["CMPI", "Diagnostics"]),
        .target(name: "HDF5", dependencies: ["CHDF5", "MPI", "Diagnostics"]),

        // The engine. None of it knows of MPI.
        .target(name: "Kernels", dependencies: ["CInstructionSet", "CBFloat16"], swiftSettings: kernelSettings),
        .target(name: "Tensor", dependencies: ["Kernels", "Diagnostics"]),
        .target(name: "Autodiff", dependencies: ["Tensor", "Kernels", "COpenBLAS", "Diagnostics"]),
        .target(name: "NeuralNetworks", dependencies: ["Autodiff", "Tensor", "Kernels", "COpenBLAS", "Diagnostics"]),

        .target(name: "ODE", dependencies: ["CSUNDIALS", "Diagnostics"]),

        .target(name: "Grid", dependencies: ["MPI", "Tensor", "Diagnostics"]),
        .target(name: "Training",
                dependencies: ["NeuralNetworks", "Autodiff", "Tensor", "Kernels", "MPI", "HDF5", "Configuration",
                               "Diagnostics"]),
        .target(name: "Trajectory", dependencies: ["HDF5", "MPI", "CZlib", "Diagnostics"]),
        .target(name: "SAGESnet",
                dependencies: ["Training", "Trajectory", "Grid", "NeuralNetworks", "Autodiff", "Tensor", "Kernels",
                               "COpenBLAS", "MPI", "HDF5", "Configuration", "Diagnostics"]),
        .target(name: "ReactionNetworks", dependencies: ["ODE", "Trajectory", "Tensor", "HDF5", "MPI", "Configuration", "Diagnostics"]),
        .target(name: "CellularAutomata", dependencies: ["Grid", "MPI", "Tensor", "Diagnostics"]),
        // Counts and delays messages; for benchmarks and tests.
        .target(name: "CMessageObserver", dependencies: ["CMPI"]),

        // Arithmetic only: the time of a step on any number of ranks.
        .target(name: "PerformanceModel"),
        // The C header, which the compiler holds the functions of SAGESC against.
        .systemLibrary(name: "CSAGES", path: "cmake-interop/include", pkgConfig: setting("SAGES_MPI_PKGCONFIG", "ompi-c")),
        .target(name: "SAGESC",
                dependencies: ["CSAGES", "SAGESnet", "Training", "Trajectory", "Grid", "Tensor", "MPI", "CMPI",
                               "Diagnostics"]),

        .executableTarget(name: "sages",
                          dependencies: ["SAGESnet", "ReactionNetworks", "CellularAutomata", "Training", "Trajectory", "Grid",
                                         "ODE", "NeuralNetworks", "Autodiff", "Tensor", "Kernels", "MPI", "HDF5",
                                         "Configuration", "COpenBLAS", "Diagnostics"]),
        .executableTarget(name: "sages-bench",
                          dependencies: ["SAGESnet", "Training", "Trajectory", "Grid", "NeuralNetworks", "Autodiff",
                                         "Tensor", "Kernels", "MPI", "HDF5", "Configuration", "PerformanceModel",
                                         "Diagnostics", "CMessageObserver"]),

        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics", "Configuration"]),
        .testTarget(name: "PerformanceModelTests", dependencies: ["PerformanceModel"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "Tensor"]),
        .testTarget(name: "AutodiffTests", dependencies: ["NeuralNetworks", "Autodiff", "Tensor"]),
        .testTarget(name: "TrajectoryTests", dependencies: ["Trajectory", "HDF5", "MPI", "Diagnostics"]),
        .testTarget(name: "ODETests", dependencies: ["ODE", "Autodiff", "Tensor", "Kernels"]),
        .testTarget(name: "ReactionNetworksTests", dependencies: ["ReactionNetworks", "ODE", "HDF5", "MPI"]),
        .testTarget(name: "GridTests", dependencies: ["Grid", "MPI"]),
        .testTarget(name: "CellularAutomataTests", dependencies: ["CellularAutomata", "Grid", "MPI"]),
        .testTarget(name: "TrainingTests",
                    dependencies: ["Training", "Configuration", "NeuralNetworks", "Tensor", "Kernels", "Diagnostics"]),
        .testTarget(name: "SAGESnetTests",
                    dependencies: ["SAGESnet", "Training", "Trajectory", "Grid", "NeuralNetworks", "Autodiff", "Tensor",
                                   "Kernels", "MPI", "HDF5", "SAGESnetTestSupport"]),
        // Synthetic trajectories and small models, for unit tests and distributed ones.
        .target(name: "SAGESnetTestSupport",
                dependencies: ["SAGESnet", "CellularAutomata", "Training", "Trajectory", "Grid", "Configuration", "Tensor", "MPI",
                               "HDF5"],
                path: "Tests/SAGESnetTestSupport"),
    ] + distributedTests,
    swiftLanguageModes: [.v6]
)
