/// The meaning of the columns of a LAMMPS dump, from its `ITEM: ATOMS` line.
struct DumpColumns: Equatable {
    enum Role: Equatable {
        case id, type, element, mass
        /// Coordinate, velocity or image along an axis.
        case position(Int), velocity(Int), image(Int)
        case ignored
    }

    /// How positions are given.
    enum Coordinates: String, CaseIterable {
        case wrapped = "", scaled = "s", unwrapped = "u", scaledUnwrapped = "su"

        var isScaled: Bool { self == .scaled || self == .scaledUnwrapped }
    }

    let names: [String]
    let roles: [Role]
    let coordinates: Coordinates
    let hasVelocities: Bool
    let hasImages: Bool
    var hasType: Bool { roles.contains(.type) }
    var hasElement: Bool { roles.contains(.element) }
    var hasMass: Bool { roles.contains(.mass) }

    /// - Throws: a message, if a needed column is missing or one comes twice.
    init(_ names: [String]) throws(DumpColumnsError) {
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            throw DumpColumnsError(message: "the column \"\(name)\" comes twice")
        }
        let has = Set(names)
        guard has.contains("id") else {
            throw DumpColumnsError(message: "there is no column \"id\", without which atoms cannot be followed")
        }
        guard let coordinates = Coordinates.allCases.first(where: { kind in
            ["x", "y", "z"].allSatisfy { has.contains($0 + kind.rawValue) }
        }) else {
            throw DumpColumnsError(message: "there are no columns of positions (x y z, xs ys zs, xu yu zu or xsu ysu zsu)")
        }
        let hasVelocities = ["vx", "vy", "vz"].allSatisfy(has.contains)
        let hasImages = ["ix", "iy", "iz"].allSatisfy(has.contains)
            && (coordinates == .wrapped || coordinates == .scaled)
        roles = names.map { name in
            switch name {
            case "id": return .id
            case "type": return .type
            case "element": return .element
            case "mass": return .mass
            default: break
            }
            for (axis, letter) in ["x", "y", "z"].enumerated() {
                if name == letter + coordinates.rawValue { return .position(axis) }
                if hasVelocities && name == "v" + letter { return .velocity(axis) }
                if hasImages && name == "i" + letter { return .image(axis) }
            }
            return .ignored
        }
        self.names = names
        self.coordinates = coordinates
        self.hasVelocities = hasVelocities
        self.hasImages = hasImages
    }
}

struct DumpColumnsError: Error {
    let message: String
}
