import Diagnostics
import HDF5
import MPI
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension Doctor {
    /// All ranks write one small dataset together, each its part and rank 0 none of it, and read it back. Collective.
    static func parallelFiles(_ communicator: Communicator, folder: String) throws -> Finding {
        // One name for all ranks.
        let path = try communicator.broadcast("\(folder)/.sages-doctor-\(getpid()).h5", root: 0)
        let isAlone = communicator.size == 1
        let perRank = 1024
        let begin = MPIEnvironment.wallTime()
        var failure: (any Error)?
        var wrong = 0
        do {
            let file = try File.create(path, communicator: communicator)
            let writers = isAlone ? 1 : communicator.size - 1
            let first = (communicator.rank - (isAlone ? 0 : 1)) * perRank
            let mine: Selection = first < 0 ? .none : .box(offset: [first], count: [perRank])
            let values = first < 0 ? [] : (first..<first + perRank).map(Double.init)
            let dataset = try file.root.createDataset("ramp", of: Double.self, shape: [writers * perRank])
            try dataset.write(values, mine, transfer: .collective)
            try file.close()
            let again = try File.open(path, communicator: communicator)
            let read = try again.root.dataset("ramp").read(Double.self, .all, transfer: .collective)
            for (index, value) in read.enumerated() where value != Double(index) { wrong += 1 }
            try again.close()
        } catch {
            failure = error
        }
        let seconds = MPIEnvironment.wallTime() - begin
        // Every rank has closed the file, or failed, when the reduction is through.
        wrong = try communicator.allReduce(wrong, .sum)
        if communicator.rank == 0 { unlink(path) }
        let text = "\(communicator.size) rank\(isAlone ? "" : "s") on one file in \(folder), "
            + "\((seconds * 1e4).rounded() / 10) ms"
        let finding: Finding = if let failure {
            .failure("hdf5", "\(text): \(failure)",
                     hint: "choose a folder that can be written and that all nodes see (--folder); with Open MPI try "
                         + "OMPI_MCA_io=romio321")
        } else if wrong > 0 {
            .failure("hdf5", "\(text): \(wrong) values were read back wrong",
                     hint: "the file system of this folder does not take parallel writes; with Open MPI try "
                         + "OMPI_MCA_io=romio321")
        } else {
            .ok("hdf5", "\(text), read back right")
        }
        return try finding.worst(communicator)
    }
}
