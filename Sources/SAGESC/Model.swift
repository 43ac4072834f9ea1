import CSAGES
import Diagnostics
import MPI
import SAGESnet
import Tensor

/// A model and its weights on this rank.
final class HostModel: HostObject, @unchecked Sendable {
    static let kind = "model"

    let model: SAGESnetModel
    let parameters: Buffer<Float>
    let path: String
    /// Canonical JSON.
    let configuration: String
    /// Of the training.
    let seed: UInt64
    let kindText: HostText
    let elements: [HostText]

    /// Collective.
    init(_ path: String, communicator: Communicator) throws {
        let loaded = try SAGESnetModel.load(path, as: Float.self, communicator: communicator)
        (model, parameters, configuration, seed) =
            (loaded.model, loaded.parameters, loaded.text, loaded.configuration.training.seed)
        self.path = path
        kindText = HostText("sagesnet")
        elements = model.configuration.elements.map(HostText.init)
    }
}

@c @implementation
public func sages_model_load_f(
    _ path: UnsafePointer<CChar>?, _ communicator: CInt, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
    attempt {
        model?.pointee = nil
        let communicator = try hostCommunicator(communicator)
        let (path, result) = try communicator.agree {
            try BuildInformation.requireProcessor()
            return (try text(path, "path"), try require(model, "model"))
        }
        result.pointee = HandleTable.insert(try HostModel(path, communicator: communicator))
    }
}

@c @implementation
public func sages_model_free(_ model: OpaquePointer?) -> CInt {
    attempt { _ = try HandleTable.remove(model, as: HostModel.self) }
}

@c @implementation
public func sages_model_kind(
    _ model: OpaquePointer?, _ kind: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    attempt { try require(kind, "kind").pointee = try HandleTable.find(model, as: HostModel.self).kindText.pointer }
}

@c @implementation
public func sages_model_time_step(_ model: OpaquePointer?, _ timeStep: UnsafeMutablePointer<Double>?) -> CInt {
    attempt {
        let model = try HandleTable.find(model, as: HostModel.self).model
        try require(timeStep, "time_step").pointee = model.normalization.timeStep
    }
}

@c @implementation
public func sages_model_cell_side(_ model: OpaquePointer?, _ cellSide: UnsafeMutablePointer<Double>?) -> CInt {
    attempt {
        let model = try HandleTable.find(model, as: HostModel.self).model
        try require(cellSide, "cell_side").pointee = model.configuration.cellSide
    }
}

@c @implementation
public func sages_model_element_count(_ model: OpaquePointer?, _ count: UnsafeMutablePointer<CInt>?) -> CInt {
    attempt {
        let elements = try HandleTable.find(model, as: HostModel.self).elements
        try require(count, "count").pointee = CInt(elements.count)
    }
}

@c @implementation
public func sages_model_element(
    _ model: OpaquePointer?, _ index: CInt, _ symbol: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> CInt {
    attempt {
        let elements = try HandleTable.find(model, as: HostModel.self).elements
        guard elements.indices.contains(Int(index)) else {
            throw InterfaceError.badArgument("the model has \(elements.count) elements, so there is no element \(index)")
        }
        try require(symbol, "symbol").pointee = elements[Int(index)].pointer
    }
}
