import Testing
@testable import Diagnostics

@Suite struct NearestNameTests {
    @Test(arguments: [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("a", "", 1),
                      ("globalBtach", "globalBatch", 1), ("ca", "abc", 3)])
    func distances(first: String, second: String, expected: Int) {
        #expect(NearestName.distance(first, second) == expected)
        #expect(NearestName.distance(second, first) == expected)
    }

    @Test func suggestsOnlyWhatIsNear() {
        let known = ["train", "simulate", "evaluate", "info"]
        #expect(NearestName.of("trian", in: known) == "train")
        #expect(NearestName.of("simulation", in: known) == "simulate")
        #expect(NearestName.of("sim", in: known) == "simulate")
        #expect(NearestName.of("xylophone", in: known) == nil)
        #expect(NearestName.of("", in: known) == nil)
    }
}

@Suite struct ProgressFormatTests {
    @Test func durations() {
        #expect(ProgressReport.duration(4.24) == "4.2 s")
        #expect(ProgressReport.duration(185) == "3 min 05 s")
        #expect(ProgressReport.duration(7620) == "2 h 07 min")
        #expect(ProgressReport.duration(.infinity) == "unknown time")
    }

    @Test func rates() {
        #expect(ProgressReport.rate(12.345, "steps") == "12.3 steps/s")
        #expect(ProgressReport.rate(1234.6, "steps") == "1235 steps/s")
        #expect(ProgressReport.rate(0.05, "steps") == "20.0 s per step")
    }
}

@Suite struct BuildInformationTests {
    @Test func thisProcessorRunsItsOwnBuild() throws {
        try BuildInformation.requireProcessor()
        #expect(!BuildInformation.instructionSets.isEmpty)
        #expect(BuildInformation.fullVersion.hasPrefix(BuildInformation.version))
        #expect(BuildInformation.architecture != nil)
    }

    @Test func instructionSetsAreToldApartByName() {
        let names = BuildInformation.instructionSets.map(\.name)
        #expect(Set(names).count == names.count && !names.contains(""))
    }

    @Test func aLackingProcessorIsToldWhatItLacksAndWhatToBuild() {
        let error = ProcessorError(missing: ["avx512f", "avx512bf16"])
        #expect(error.description.contains("avx512f, avx512bf16"))
        #expect(error.description.contains("SAGES_ARCH=\(ProcessorError.nearestLevel)"))
        #expect(error.exitStatus == .internal)
    }
}

@Suite struct JSONValueTests {
    @Test func textIsJSONInTheOrderGiven() {
        let value: JSONValue = ["z": 1, "a": [1, 2.5, "x\n\"", .null, true], "none": .number(.nan),
                                "list": [["k": -1], .object([:])], "empty": []]
        #expect(value.text == """
            {
              "z": 1,
              "a": [1, 2.5, "x\\n\\"", null, true],
              "none": null,
              "list": [
                {
                  "k": -1
                },
                {}
              ],
              "empty": []
            }
            """)
    }

    @Test func membersKeepTheirPlaces() {
        var members: JSONValue.Members = ["a": 1, "b": 2]
        members["a"] = 3
        members["c"] = 4
        members["b"] = nil
        #expect(members.names == ["a", "c"])
        #expect(members["a"] == 3)
        #expect(members["b"] == nil)
    }
}
