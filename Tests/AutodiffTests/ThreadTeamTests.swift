import Synchronization
import Tensor
import Testing

struct ThreadTeamTests {
    private final class Counting: TeamWork {
        let counts: [Atomic100]
        let failing: Set<Int>
        struct Failure: Error, Equatable { let part: Int }
        final class Atomic100: Sendable { let value = Atomic<Int>(0) }

        init(_ parts: Int, failing: Set<Int> = []) {
            counts = (0..<parts).map { _ in Atomic100() }
            self.failing = failing
        }

        func perform(_ part: Int, thread: Int) throws {
            counts[part].value.add(1, ordering: .relaxed)
            if failing.contains(part) { throw Failure(part: part) }
        }
    }

    /// More threads than processors, many short runs: every part is done once in each.
    @Test(arguments: [1, 2, 3, 16]) func everyPartIsDoneOnce(_ threads: Int) throws {
        let team = ThreadTeam(threads: threads)
        #expect(team.count == threads)
        let work = Counting(37)
        for run in 1...500 {
            let parts = run % 38
            try team.run(parts, work)
        }
        for part in 0..<37 {
            #expect(work.counts[part].value.load(ordering: .relaxed) == (1...500).filter { $0 % 38 > part }.count)
        }
    }

    @Test func theFirstErrorIsThrownAndTheTeamGoesOn() throws {
        let team = ThreadTeam(threads: 4)
        for _ in 0..<50 {
            let work = Counting(20, failing: [7, 3, 19])
            #expect(throws: Counting.Failure(part: 3)) { try team.run(20, work) }
            #expect(work.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
        try team.run(20, Counting(20))
    }

    @Test func teamsChangeTheirSizeAndEnd() throws {
        for _ in 0..<20 {
            let team = ThreadTeam(threads: 3)
            try team.run(10, Counting(10))
            team.resize(to: 5)
            try team.run(10, Counting(10))
            team.resize(to: 1)
            #expect(team.count == 1)
            let work = Counting(10)
            try team.run(10, work)
            #expect(work.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
    }
}
