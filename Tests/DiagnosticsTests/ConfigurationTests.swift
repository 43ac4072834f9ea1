import Diagnostics
import Testing
@testable import Configuration

private enum Decay: String, ConfigurationChoice { case constant, cosine, linear }

private struct Schedule: Configurable {
    let warmUpSteps: Int
    let decay: Decay

    init(from section: ConfigurationSection) throws {
        warmUpSteps = try section.value("warmUpSteps", default: 100, in: .atLeast(0), "steps of rising rate")
        decay = try section.value("decay", default: .cosine, "how the rate falls")
    }
}

private struct Training: Configurable {
    let steps: Int
    let learningRate: Double
    let globalBatch: Int
    let microBatch: Int
    let files: [String]
    let clip: Double?
    let schedule: Schedule
    let earlyStop: Schedule?

    init(from section: ConfigurationSection) throws {
        steps = try section.value("steps", in: .atLeast(1), "optimizer steps")
        learningRate = try section.value("learningRate", default: 1e-3, in: .above(0), "largest learning rate")
        globalBatch = try section.value("globalBatch", default: 16, in: .atLeast(1), "samples a step")
        microBatch = try section.value("microBatch", default: 4, in: .atLeast(1), "samples of one backward pass")
        try section.require(globalBatch % microBatch == 0, "globalBatch",
                            "it must be a multiple of microBatch (\(microBatch))")
        files = try section.list("files", default: [], "training files")
        clip = try section.optional("clip", in: .above(0), unit: "1", "gradient norm limit")
        schedule = try section.section("schedule", "learning-rate schedule")
        earlyStop = try section.optionalSection("earlyStop", "another schedule")
    }
}

private struct Root: Configurable {
    let training: Training
    let grid: [Int]

    init(from section: ConfigurationSection) throws {
        training = try section.section("training", "how to train")
        grid = try section.list("grid", default: [1, 2, 3], in: .between(1, 8),
                                count: .satisfying("3", example: 3) { $0 == 3 }, "cells")
    }
}

private func failure(_ text: String, overrides: [String] = []) -> ConfigurationError? {
    do {
        var document = try ConfigurationDocument(text: text, source: "a.json5")
        for assignment in overrides { try document.apply(override: assignment) }
        _ = try document.decode(Root.self)
        return nil
    } catch {
        return error as? ConfigurationError
    }
}

@Suite struct ConfigurationReadingTests {
    @Test func readsEveryKindOfValue() throws {
        let document = try ConfigurationDocument(text: """
            // a comment
            { training: { 'steps': 1e3, learningRate: .5, "files": 'one.h5', clip: null, /* here */
                schedule: { decay: "linear", }, }, grid: [0x2, +3, 4,], }
            """, source: "a.json5")
        let (root, _) = try document.decode(Root.self)
        #expect(root.training.steps == 1000)
        #expect(root.training.learningRate == 0.5)
        #expect(root.training.files == ["one.h5"])
        #expect(root.training.clip == nil)
        #expect(root.training.schedule.decay == .linear)
        #expect(root.training.schedule.warmUpSteps == 100)
        #expect(root.training.earlyStop == nil)
        #expect(root.grid == [2, 3, 4])
    }

    @Test func canonicalTextHasDefaultsAndReadsBackToItself() throws {
        let document = try ConfigurationDocument(text: "{training: {steps: 5, earlyStop: {}}}", source: "a.json5")
        let text = try document.decode(Root.self).canonicalJSON
        #expect(text == """
            {
              "grid": [1, 2, 3],
              "training": {
                "earlyStop": {
                  "decay": "cosine",
                  "warmUpSteps": 100
                },
                "files": [],
                "globalBatch": 16,
                "learningRate": 0.001,
                "microBatch": 4,
                "schedule": {
                  "decay": "cosine",
                  "warmUpSteps": 100
                },
                "steps": 5
              }
            }

            """)
        let again = try ConfigurationDocument(text: text, source: "again").decode(Root.self).canonicalJSON
        #expect(again == text)
    }

    @Test(arguments: [
        ("{training: {steps: 1, globalBtach: 8}}", "a.json5:1:23: unknown key 'training.globalBtach'; "
            + "the nearest known key is 'training.globalBatch'"),
        ("{training: {stesp: 1}}",
         "a.json5:1:13: unknown key 'training.stesp'; the nearest known key is 'training.steps'"),
        ("{training: {steps: 1}, microBatch: 4}",
         "a.json5:1:24: unknown key 'microBatch'; the nearest known key is 'training.microBatch'"),
        ("{training: {steps: 1, zzz: 4}}", "a.json5:1:23: unknown key 'training.zzz'"),
        ("{training: {}}", "a.json5:1:12: key 'training.steps' is missing (optimizer steps)"),
        ("{}", "a.json5:1:1: key 'training.steps' is missing (optimizer steps)"),
        ("{training: {steps: '1'}}", "a.json5:1:20: key 'training.steps' must be a whole number, not \"1\""),
        ("{training: {steps: 1.5}}", "a.json5:1:20: key 'training.steps' must be a whole number, not 1.5"),
        ("{training: {steps: null}}", "a.json5:1:20: key 'training.steps' must be a whole number, not null"),
        ("{training: {steps: 0}}", "a.json5:1:20: key 'training.steps' is 0; it must be at least 1"),
        ("{training: {steps: 1,\n  learningRate: 0}}",
         "a.json5:2:17: key 'training.learningRate' is 0; it must be more than 0"),
        ("{training: {steps: 1, schedule: {decay: 'cosin'}}}", "a.json5:1:41: key 'training.schedule.decay' must be "
            + "one of 'constant', 'cosine', 'linear', not \"cosin\" (did you mean 'cosine'?)"),
        ("{training: {steps: 1, schedule: 3}}", "a.json5:1:33: key 'training.schedule' must be an object, not 3"),
        ("{training: {steps: 1, files: ['a', 3]}}",
         "a.json5:1:36: key 'training.files[1]' must be text in quotes, not 3"),
        ("{training: {steps: 1, globalBatch: 6}}",
         "a.json5:1:36: key 'training.globalBatch': it must be a multiple of microBatch (4)"),
        ("{training: {steps: 1}, grid: [1, 2]}",
         "a.json5:1:30: key 'grid' is a list of 2; it must be a list of 3"),
        ("{training: {steps: 1}, grid: [1, 2, 9]}", "a.json5:1:37: key 'grid[2]' is 9; it must be from 1 to 8"),
        ("{a: 1, a: 2}", "a.json5:1:8: key 'a' was given before, at a.json5:1:2"),
        ("{a: 1} x", "a.json5:1:8: nothing may follow the value, but there is 'x'"),
        ("[]", "a.json5:1:1: the configuration must be an object in braces, not a list"),
        ("", "a.json5:1:1: a value is expected, but the text ends here"),
        ("{a: Infinity}", "a.json5:1:5: a number must be finite, not Infinity"),
        ("{a: -Infinity}", "a.json5:1:5: a number must be finite, not -Infinity"),
        ("{a: 1e999}", "a.json5:1:5: the number 1e999 is too large"),
        ("{a: 012}", "a.json5:1:5: 012 is not a number"),
        ("{a: 10O}", "a.json5:1:5: 10O is not a number"),
        ("{a: adam}", "a.json5:1:5: a value is expected, not the word adam; text stands in quotes"),
        ("{a: 'x\n'}", "a.json5:1:5: a string ends on the line it begins; this one has no closing '"),
        ("{a: 1 b: 2}", "a.json5:1:7: ',' or '}' is expected in the object opened at line 1, not 'b'"),
        ("{a: [1 2]}", "a.json5:1:8: ',' or ']' is expected in the list opened at line 1, not '2'"),
        ("{a 1}", "a.json5:1:4: ':' is expected after the key 'a', not '1'"),
        ("{a: 1 /* b", "a.json5:1:7: this comment is not closed with */"),
        ("{a: '\\ud800'}", "a.json5:1:12: half of a surrogate pair"),
    ])
    func namesWhatIsWrong(text: String, message: String) {
        let error = failure(text)
        #expect(error?.description == message)
        #expect(error?.exitStatus == .usage)
    }

    @Test func refusesNestingBombsAndForeignFiles() {
        for bomb in [String(repeating: "[", count: 100_000), String(repeating: "{a:", count: 100_000)] {
            #expect(failure(bomb)?.description.contains("nested deeper than 64 levels") == true)
        }
        #expect(throws: ConfigurationError.self) {
            try ConfigurationDocument(utf8: [0x7B, 0xFF, 0x7D], source: "binary")
        }
        #expect(throws: ConfigurationError.self) {
            try ConfigurationDocument(utf8: [UInt8](repeating: 0x20, count: 5 << 20), source: "large")
        }
    }

    @Test func aMissingFileHasItsOwnStatus() {
        do {
            _ = try ConfigurationDocument(file: "/nowhere/at-all.json5")
            Issue.record("a missing file was read")
        } catch {
            #expect(error.exitStatus == .noInput)
            #expect(error.description
                    == "cannot read the configuration /nowhere/at-all.json5: No such file or directory")
        }
    }

    @Test func stringsAndKeysOfJSON5() throws {
        let value = try JSON5Parser.parse(Array(#"""
            {"a\"b": 'it\'s \x41\u00e9\ud83d\ude00\
            on', größe_1: "\t"}
            """#.utf8), source: "s")
        #expect(value.canonicalJSON == "{\n  \"a\\\"b\": \"it's Aé😀on\",\n  \"größe_1\": \"\\t\"\n}\n")
    }

    @Test(arguments: [("0", 0.0), ("-0", 0), ("1.5e-3", 1.5e-3), ("5.", 5), ("5.e2", 500), (".25", 0.25),
                      ("+1", 1), ("-0x10", -16), ("100000000000000000000", 1e20), ("1E+2", 100)])
    func numbers(text: String, value: Double) throws {
        let parsed = try JSON5Parser.parse(Array(text.utf8), source: "n")
        #expect(Double(parsed.content) == value)
    }
}

@Suite struct ConfigurationOverrideTests {
    private func decode(_ overrides: [String]) throws -> Root {
        var document = try ConfigurationDocument(text: "{training: {steps: 1}}", source: "a.json5")
        for assignment in overrides { try document.apply(override: assignment) }
        return try document.decode(Root.self).value
    }

    @Test func replaceAndAdd() throws {
        let root = try decode(["training.steps=7", "training.schedule.decay=linear", "training.files=data/a.h5",
                               "grid=[4, 5, 6]"])
        #expect(root.training.steps == 7)
        #expect(root.training.schedule.decay == .linear)
        #expect(root.training.files == ["data/a.h5"])
        #expect(root.grid == [4, 5, 6])
    }

    @Test(arguments: [
        ("training.stpes=7", "--set training.stpes=7: unknown key 'training.stpes'; "
            + "the nearest known key is 'training.steps'"),
        ("training.steps=many", "--set training.steps=many: key 'training.steps' must be a whole number, not \"many\""),
        ("training.steps.x=1", "--set training.steps.x=1: key 'training.steps' is 1 at a.json5:1:20, "
            + "so it has no key 'x'"),
        ("training", "--set training: an override has the form key.path=value"),
        ("a..b=1", "--set a..b=1: the key before '=' is not a path of names with points between"),
        ("grid=[1,", "--set grid=[1,: the value is not JSON5: a value is expected, but the text ends here"),
    ])
    func namesTheOption(assignment: String, message: String) {
        #expect(failure("{training: {steps: 1}}", overrides: [assignment])?.description == message)
    }
}

@Suite struct ConfigurationExplanationTests {
    @Test func listsEveryKeyOfAnEmptyDocument() throws {
        let keys = try ConfigurationDocument(text: "{}", source: "none").explain(Root.self)
        #expect(keys.map(\.path) == [
            "training", "training.steps", "training.learningRate", "training.globalBatch", "training.microBatch",
            "training.files", "training.clip", "training.schedule", "training.schedule.warmUpSteps",
            "training.schedule.decay", "training.earlyStop", "training.earlyStop.warmUpSteps",
            "training.earlyStop.decay", "grid",
        ])
        #expect(keys[1].type == "a whole number, at least 1")
        #expect(keys[1].defaultText == "required")
        #expect(keys[9].defaultText == "\"cosine\"")
        #expect(ConfigurationDocument.text(explaining: keys).contains("may be left out"))
    }

    @Test func wrongValuesDoNotStopIt() throws {
        let document = try ConfigurationDocument(text: "{training: {steps: 'x', globalBatch: 5}, grid: 1}", source: "w")
        #expect(try document.explain(Root.self).count == 14)
    }
}
