extension TextWriter {
    /// One frame of extended XYZ.
    func writeExtendedXYZ(_ frame: AtomFrame, species: SpeciesTable, frame index: Int) throws {
        let box = frame.box
        try write("\(frame.count)\nLattice=\"\(box.edges.x) 0 0 0 \(box.edges.y) 0 0 0 \(box.edges.z)\" ")
        try write("Origin=\"\(box.origin.x) \(box.origin.y) \(box.origin.z)\" Properties=species:S:1:id:I:1:pos:R:3")
        if frame.hasVelocities { try write(":velo:R:3") }
        if frame.hasImages { try write(":image:I:3") }
        let periodic = (0..<3).map { box.boundary($0) == .periodic ? "T" : "F" }.joined(separator: " ")
        try write(" pbc=\"\(periodic)\" Step=\(frame.step) Time=\(frame.time)")
        if frame.hasVirial {
            try write(" virial=\"\(Virial.matrix(frame.virial).map { "\($0)" }.joined(separator: " "))\"")
        }
        try write("\n")
        for atom in 0..<frame.count {
            try write(species.symbols[Int(frame.species[atom])])
            try write(" \(frame.ids[atom])")
            try writeVectors(frame, atom)
            try write("\n")
        }
    }

    /// One frame of a LAMMPS text dump.
    func writeLAMMPSDump(_ frame: AtomFrame, species: SpeciesTable, frame index: Int) throws {
        let box = frame.box
        // LAMMPS writes the units once, at the beginning.
        if index == 0 { try write("ITEM: UNITS\nmetal\n") }
        try write("ITEM: TIME\n\(frame.time)\nITEM: TIMESTEP\n\(frame.step)\nITEM: NUMBER OF ATOMS\n\(frame.count)\n")
        try write("ITEM: BOX BOUNDS")
        for axis in 0..<3 { try write(box.boundary(axis) == .periodic ? " pp" : " ff") }
        try write("\n")
        for axis in 0..<3 { try write("\(box.origin[axis]) \(box.upper(axis))\n") }
        try write("ITEM: ATOMS id type element x y z")
        if frame.hasVelocities { try write(" vx vy vz") }
        if frame.hasImages { try write(" ix iy iz") }
        try write("\n")
        for atom in 0..<frame.count {
            let kind = Int(frame.species[atom])
            try write("\(frame.ids[atom]) \(kind + 1) ")
            try write(species.symbols[kind])
            try writeVectors(frame, atom)
            try write("\n")
        }
    }

    private func writeVectors(_ frame: AtomFrame, _ atom: Int) throws {
        for axis in 0..<3 {
            try write(" ")
            try write(frame.positions[3 * atom + axis])
        }
        if frame.hasVelocities {
            for axis in 0..<3 {
                try write(" ")
                try write(frame.velocities[3 * atom + axis])
            }
        }
        if frame.hasImages { for axis in 0..<3 { try write(" \(frame.images[3 * atom + axis])") } }
    }
}
