import NeuralNetworks

extension ScaleTransformer {
    /// The transformer to and from the first principal components of blocks: among all linear codes of their length, those
    /// that give most of the blocks' variance back.
    ///
    /// The codes are white, mean 0 and variance 1 in every component, so that a predictor finds all alike.
    ///
    /// - Parameter moments: of the training blocks.
    /// - Returns: nil where the moments are not finite.
    init?(_ moments: VectorMoments, codes: Int) {
        self.init(inputs: moments.length, codes: codes)
        guard let components = PrincipalComponents(covariance: moments.covariance, length: inputs) else { return nil }
        setWhite(components, codes: 0..<codes)
        center(on: moments.mean)
    }

    /// The transformer for an energy: codes q of offsets x and p of velocities v at the blocks' last time, which are pairs of
    /// conjugate variables, and codes h of all that these two do not tell, mostly of the times before.
    ///
    /// With the rows of A the first principal axes of offsets and velocities together, q = A (x - mean) / s and
    /// p = A (v - mean) / u: one orthonormal basis, and one scale each. So dq/dt = u/s p, and kicks of p that are minus the
    /// gradient of an energy by q, between drifts of q by p, keep the phase space's volume where all atoms have one mass. A
    /// block's other times hold no other freedom: motion leads from one to the next, so as variables of their own they would
    /// leave directions that no data ever shows, and an energy may do there what it likes. They are told by what a linear
    /// regression on q and p misses of them, h, white as principal components are. No step reads h; each one makes it anew.
    ///
    /// - Parameters:
    ///   - pairs: codes of offsets, and of velocities.
    ///   - columns: what each number of a block is; as many offsets as velocities, in the same order.
    /// - Returns: nil where the moments are not finite.
    init?(_ moments: VectorMoments, codes: Int, pairs: Int, columns: [LevelColumn]) {
        self.init(inputs: moments.length, codes: codes)
        let covariance = moments.covariance
        let parts = [LevelColumn.offset, .velocity].map { kind in columns.indices.filter { columns[$0] == kind } }
        let length = parts[0].count
        precondition(parts[1].count == length, "as many offsets as velocities")
        let spreads = parts.map { part in
            max(part.reduce(0.0) { $0 + covariance[$1 * (inputs + 1)] } / Double(length), 1e-300).squareRoot()
        }
        var sum = [Double](repeating: 0, count: length * length)
        for (part, spread) in zip(parts, spreads) {
            for row in 0..<length {
                for column in 0..<length {
                    sum[row * length + column] += covariance[part[row] * inputs + part[column]] / (spread * spread)
                }
            }
        }
        guard let basis = PrincipalComponents(covariance: sum, length: length) else { return nil }
        for (kind, (part, spread)) in zip(parts, spreads).enumerated() {
            for code in 0..<pairs {
                for place in 0..<length {
                    encoder[part[place] * codes + kind * pairs + code] = basis.axes[code * length + place] / spread
                }
            }
        }
        guard let mixed = setRegression(covariance, codes: 2 * pairs) else { return nil }
        // What the first codes miss.
        var missed = covariance
        for code in 0..<2 * pairs {
            for row in 0..<inputs {
                let weight = decoder[code * inputs + row]
                for column in 0..<inputs { missed[row * inputs + column] -= weight * mixed[code * inputs + column] }
            }
        }
        guard let components = PrincipalComponents(covariance: missed, length: inputs) else { return nil }
        setWhite(components, codes: 2 * pairs..<codes)
        // They are codes of what is missed: E <- (1 - E_first D_first) E.
        for code in 2 * pairs..<codes {
            let axis = (0..<inputs).map { encoder[$0 * codes + code] }
            for first in 0..<2 * pairs {
                let share = (0..<inputs).reduce(0.0) { $0 + decoder[first * inputs + $1] * axis[$1] }
                for row in 0..<inputs { encoder[row * codes + code] -= encoder[row * codes + first] * share }
            }
        }
        center(on: moments.mean)
    }

    /// Makes some codes those of the first principal components, white.
    ///
    /// Directions in which the training blocks hardly spread stay 0: other blocks would have huge codes there.
    private mutating func setWhite(_ components: PrincipalComponents, codes range: Range<Int>) {
        let least = 1e-7 * max(components.variances.first ?? 0, 0)
        for (place, code) in range.enumerated() where components.variances[place] > least {
            let spread = components.variances[place].squareRoot()
            for row in 0..<inputs {
                let axis = components.axes[place * inputs + row]
                encoder[row * codes + code] = axis / spread
                decoder[code * inputs + row] = axis * spread
            }
        }
    }

    /// Lets the first codes give back what a linear regression on them knows of every number.
    ///
    /// - Returns: the covariance of each code with each number; nil where it is not finite. [count, inputs]
    private mutating func setRegression(_ covariance: [Double], codes count: Int) -> [Double]? {
        var mixed = [Double](repeating: 0, count: count * inputs)
        var own = [Double](repeating: 0, count: count * count)
        for code in 0..<count {
            for source in 0..<inputs where encoder[source * codes + code] != 0 {
                for column in 0..<inputs {
                    mixed[code * inputs + column] += encoder[source * codes + code] * covariance[source * inputs + column]
                }
            }
        }
        for row in 0..<count {
            for column in 0..<count {
                for source in 0..<inputs {
                    own[row * count + column] += mixed[row * inputs + source] * encoder[source * codes + column]
                }
            }
        }
        guard let components = PrincipalComponents(covariance: own, length: count) else { return nil }
        let least = 1e-10 * max(components.variances.first ?? 0, 0)
        for (place, variance) in components.variances.enumerated() where variance > least {
            let axis = Array(components.axes[place * count..<(place + 1) * count])
            for column in 0..<inputs {
                let share = (0..<count).reduce(0.0) { $0 + axis[$1] * mixed[$1 * inputs + column] } / variance
                for code in 0..<count { decoder[code * inputs + column] += axis[code] * share }
            }
        }
        return mixed
    }

    /// Gives the mean block the code 0.
    private mutating func center(on mean: [Double]) {
        decoderOffset = mean
        for code in 0..<codes {
            encoderOffset[code] = (0..<inputs).reduce(0.0) { $0 - mean[$1] * encoder[$1 * codes + code] }
        }
    }
}
