struct OutsideBoxError: Error {
    let message: String
}

extension SimulationBox {
    /// Largest distance beyond an open face, relative to the edge, that counts as the rounding of a printed number.
    static let printingTolerance = 1e-5

    /// The coordinate inside the box: wrapped along a periodic axis; along an open one unchanged, or moved onto the
    /// face that it lies beyond by no more than the rounding of a printed number.
    /// - Throws: `OutsideBoxError` if it lies further beyond an open face.
    @inline(__always)
    func placed(_ coordinate: Double, axis: Int) throws(OutsideBoxError) -> (coordinate: Double, image: Double) {
        if boundary(axis) == .periodic { return wrap(coordinate, axis: axis) }
        let low = origin[axis], high = upper(axis)
        if coordinate >= low && coordinate <= high { return (coordinate, 0) }
        let slack = Self.printingTolerance * edges[axis]
        guard coordinate >= low - slack && coordinate <= high + slack else {
            throw OutsideBoxError(message: "\(["x", "y", "z"][axis]) = \(coordinate) is not in [\(low), \(high)], "
                                  + "and the axis is not periodic")
        }
        return (min(max(coordinate, low), high), 0)
    }
}
