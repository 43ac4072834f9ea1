import Configuration
import Kernels
import SAGESnetTestSupport
import Testing
@testable import SAGESnet

/// The key `convolution` of a model.
struct ConvolutionConfigurationTests {
    private func message(_ members: String) -> String {
        do {
            _ = try modelConfiguration(members, defaults: ["cell": "1"])
            return "no error"
        } catch { return "\(error)" }
    }

    @Test func values() throws {
        #expect(try modelConfiguration("cells: \"dense\"", defaults: ["cell": "1"]).convolution == .automatic)
        for algorithm in [ConvolutionAlgorithm.automatic, .direct, .winograd] {
            let members = "cells: \"dense\", convolution: \"\(algorithm)\""
            #expect(try modelConfiguration(members, defaults: ["cell": "1"]).convolution == algorithm)
        }
    }

    @Test func whatDoesNotSuit() {
        #expect(message("cells: \"dense\", convolution: \"winogrand\"").contains("did you mean 'winograd'?"))
        #expect(message("convolution: \"winograd\"").contains("only dense grids have a choice"))
        let bfloat16 = message("cells: \"dense\", convolution: \"bfloat16\"")
        #expect(InstructionSet.multipliesBFloat16 ? bfloat16 == "no error" : bfloat16.contains("without bfloat16 products"))
    }
}
