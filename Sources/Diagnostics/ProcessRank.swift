#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// This process's place in the parallel job as its launcher tells it, before MPI is initialized.
public enum ProcessRank {
    /// The rank, or 0 where no launcher is seen.
    public static let current: Int =
        first(of: ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"]) ?? slurmRank ?? 0

    /// Slurm sets SLURM_PROCID in a batch script too; only within a step (`srun`) does it number ranks.
    private static var slurmRank: Int? {
        first(of: ["SLURM_STEP_ID"]) == nil ? nil : first(of: ["SLURM_PROCID"])
    }

    private static func first(of names: [String]) -> Int? {
        for name in names {
            if let value = getenv(name), let number = Int(String(cString: value)) { return number }
        }
        return nil
    }
}
