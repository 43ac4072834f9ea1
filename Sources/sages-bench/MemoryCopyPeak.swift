import MPI
import Tensor

/// Measures how fast this rank copies memory while the others do: GB of copied bytes per second, over buffers of
/// `bytes`. What a message costs at least where it goes through memory. Collective.
func memoryCopyPeak(bytes: Int, on communicator: Communicator) -> () -> Double {
    let source = Buffer<UInt8>(repeating: 1, count: bytes)
    let target = Buffer<UInt8>(repeating: 0, count: bytes)
    let copies = max(1, (4 << 20) / bytes)
    return {
        try? communicator.barrier()
        let start = BenchmarkClock.wall.seconds
        for _ in 0..<copies { target.pointer.update(from: source.pointer, count: bytes) }
        return 1e-9 * Double(copies * bytes) / (BenchmarkClock.wall.seconds - start)
    }
}
