import NeuralNetworks

extension ScaleTransformer {
    /// The transformer to and from the first principal components of blocks: among all linear codes of their length, those
    /// that give most of the blocks' variance back.
    ///
    /// The codes are white, mean 0 and variance 1 in every component, so that a predictor finds all alike. For an energy
    /// predictor, offsets and velocities (alike in number) share one basis without scales: then velocities' codes are the
    /// momenta conjugate to offsets' codes wherever velocities are those of offsets, but for one factor.
    ///
    /// - Parameters:
    ///   - moments: of the training blocks.
    ///   - offsets: for an energy, which columns are offsets; the others are velocities, in the same order.
    /// - Returns: nil where the moments are not finite.
    init?(_ moments: VectorMoments, codes: Int, offsets: [Bool]? = nil) {
        self.init(inputs: moments.length, codes: codes)
        decoderOffset = moments.mean
        let covariance = moments.covariance
        guard let offsets else {
            guard let components = PrincipalComponents(covariance: covariance, length: inputs) else { return nil }
            // Directions in which the training blocks hardly spread stay 0: other blocks would have huge codes there.
            let least = 1e-7 * (components.variances.first ?? 0)
            for code in 0..<codes where components.variances[code] > least {
                set(code, 0..<inputs, Array(components.axes[code * inputs..<(code + 1) * inputs]),
                    components.variances[code].squareRoot())
            }
            center()
            return
        }
        let (half, length) = (codes / 2, inputs / 2)
        let parts = [true, false].map { kind in offsets.indices.filter { offsets[$0] == kind } }
        precondition(parts.allSatisfy { $0.count == length }, "as many offsets as velocities")
        func part(_ columns: [Int]) -> [Double] {
            columns.flatMap { row in columns.map { covariance[row * inputs + $0] } }
        }
        func spread(_ matrix: [Double]) -> Double {
            max((0..<length).reduce(0.0) { $0 + matrix[$1 * (length + 1)] } / Double(length), 1e-300).squareRoot()
        }
        let matrices = parts.map(part)
        let spreads = matrices.map(spread)
        let sum = (0..<length * length).map {
            matrices[0][$0] / (spreads[0] * spreads[0]) + matrices[1][$0] / (spreads[1] * spreads[1])
        }
        guard let components = PrincipalComponents(covariance: sum, length: length) else { return nil }
        for (kind, columns) in parts.enumerated() {
            for code in 0..<half {
                set(kind * half + code, columns, Array(components.axes[code * length..<(code + 1) * length]), spreads[kind])
            }
        }
        center()
    }

    /// Makes a code of the distance along an axis among some columns.
    private mutating func set<Columns: Sequence>(_ code: Int, _ columns: Columns, _ axis: [Double], _ spread: Double)
    where Columns.Element == Int {
        for (place, column) in columns.enumerated() {
            encoder[column * codes + code] = axis[place] / spread
            decoder[code * inputs + column] = axis[place] * spread
        }
    }

    /// Gives the mean block the code 0.
    private mutating func center() {
        for code in 0..<codes {
            encoderOffset[code] = (0..<inputs).reduce(0.0) { $0 - decoderOffset[$1] * encoder[$1 * codes + code] }
        }
    }
}
