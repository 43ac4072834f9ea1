import Foundation
import Testing
@testable import Trajectory

/// A folder that ends with the test.
final class Scratch {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("sages-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ name: String, _ content: some StringProtocol) throws -> String {
        try write(name, Array(content.utf8))
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: file(name)))) }
}

/// A generator of known sequence (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// All frames of a file.
func readAll(_ path: String, _ options: ReadingOptions) throws -> (frames: [AtomFrame], species: SpeciesTable) {
    let source = try openFrameSource(path, options: options)
    var frames: [AtomFrame] = []
    var frame = AtomFrame()
    while try source.readFrame(into: &frame) { frames.append(frame) }
    return (frames, source.species)
}

/// Two frames with unsorted ids, an atom outside the box, two types, velocities and image flags.
let sampleDump = """
    ITEM: TIMESTEP
    100
    ITEM: NUMBER OF ATOMS
    3
    ITEM: BOX BOUNDS pp pp ff
    0.5 10.5
    -1.0 9.0
    0 20
    ITEM: ATOMS type id x z y vx vy vz ix iy iz mass
    1 7 0.25 19.5 3.125 1 2 3 0 0 0 12.011
    2 3 4.5 0 8.5 -1.5 0.125 1e-3 1 -2 0 1.008
    1 5 10.5 20 -1 0 0 0 0 0 0 12.011
    ITEM: TIMESTEP
    110
    ITEM: NUMBER OF ATOMS
    3
    ITEM: BOX BOUNDS pp pp ff
    0.5 10.5
    -1.0 9.0
    0 20
    ITEM: ATOMS type id x z y vx vy vz ix iy iz mass
    2 3 4.75 1 8.5 -1.5 0.125 1e-3 1 -2 0 1.008
    1 5 10.25 20 -1 0 0 0 0 0 0 12.011
    1 7 0.75 19.5 3.125 1 2 3 0 0 0 12.011

    """
