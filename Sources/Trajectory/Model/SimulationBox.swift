/// What lies behind a face of the box.
public enum BoxBoundary: Sendable, Equatable {
    case periodic
    /// Nothing; atoms cannot be there. H5MD calls it "none".
    case open
}

/// A rectangular simulation box. Components are in order x, y, z.
public struct SimulationBox: Equatable, Sendable {
    /// Lower corner, Angstrom.
    public var origin: SIMD3<Double>
    /// Edge lengths, Angstrom.
    public var edges: SIMD3<Double>
    /// Boundary of each axis.
    public var boundaryX, boundaryY, boundaryZ: BoxBoundary

    public init(origin: SIMD3<Double> = .zero, edges: SIMD3<Double>,
                boundaries: (BoxBoundary, BoxBoundary, BoxBoundary) = (.periodic, .periodic, .periodic)) {
        self.origin = origin
        self.edges = edges
        (boundaryX, boundaryY, boundaryZ) = boundaries
    }

    /// The boundary of axis 0 (x), 1 (y) or 2 (z).
    @inlinable
    public func boundary(_ axis: Int) -> BoxBoundary {
        axis == 0 ? boundaryX : axis == 1 ? boundaryY : boundaryZ
    }

    /// Upper end of an axis, such that `upper - origin` is the edge length again where a number exists that does it:
    /// text formats hold both ends, and what they say must not change the edges.
    public func upper(_ axis: Int) -> Double {
        let sum = origin[axis] + edges[axis]
        for candidate in [sum, sum.nextUp, sum.nextDown, sum.nextUp.nextUp, sum.nextDown.nextDown]
        where candidate - origin[axis] == edges[axis] { return candidate }
        return sum
    }

    /// Brings a coordinate into [origin, origin + edge) along a periodic axis.
    /// - Returns: the coordinate, and how many boxes it was moved down. A coordinate inside is not changed.
    @inlinable
    public func wrap(_ coordinate: Double, axis: Int) -> (coordinate: Double, image: Double) {
        let low = origin[axis], edge = edges[axis]
        let relative = coordinate - low
        if relative >= 0 && relative < edge { return (coordinate, 0) }
        let image = (relative / edge).rounded(.down)
        var wrapped = coordinate - image * edge
        var moved = image
        // Rounding may leave the result on either side of the box.
        if wrapped - low < 0 { wrapped += edge; moved -= 1 }
        if wrapped - low >= edge { wrapped = low; moved += 1 }
        return (wrapped, moved)
    }
}
