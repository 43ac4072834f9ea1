import Kernels

/// What a stage of a program has to do with rows that belong to other ranks.
///
/// A stage computes the rows at the border before the last of the others, so that those that other ranks need are on
/// their way while the rest is computed; and it computes others before those that need what is on its way to here. Half
/// of the others come first and half last: what starts in one stage and ends in the next has the time of a whole stage,
/// whoever is ahead. Rows do not depend on each other within a stage, so that the order has no influence on the bits.
struct StageGhosts {
    /// A value with ghost rows, and who fills them.
    struct Filling {
        let value: Int
        let domain: RowDomain
        let exchange: any RowExchange

        func start<Scalar: KernelScalar>(_ values: UnsafeMutablePointer<Operand<Scalar>>) throws {
            try exchange.start(rows: values[value].pointer, channels: values[value].columns)
        }
        func finish<Scalar: KernelScalar>(_ values: UnsafeMutablePointer<Operand<Scalar>>) throws {
            try exchange.finish(rows: values[value].pointer, channels: values[value].columns)
        }
    }

    /// Under way since the stage before; needed by the rows at the border.
    private(set) var arriving: Filling?
    /// Needed, too, with nothing to compute meanwhile: more than one value for one stage, or nothing before it.
    private(set) var sudden: [Filling] = []
    /// For the stage behind; complete with this stage's rows at the border.
    private(set) var leaving: Filling?
    /// Of the stage's rows; nil where the rows at the border are no part of them.
    private var domain: RowDomain?

    var communicates: Bool { arriving != nil || leaving != nil || !sudden.isEmpty }

    /// For each stage of a schedule. An exchange is under way in one stage and the next only, so that there is never
    /// more than one at a time.
    static func planned<Scalar: KernelScalar>(
        for schedule: Schedule, tape: Tape<Scalar>, valueOfNode: [Int: Int]
    ) -> [StageGhosts] {
        var plans = [StageGhosts](repeating: StageGhosts(), count: schedule.stages.count)
        var isFilled = Set<Int>()
        for (index, stage) in schedule.stages.enumerated() {
            plans[index].domain = stage.nodes.lazy.compactMap { tape.nodes[$0].domain }.first
            // A product that took up what follows it has no result of its own.
            for id in stage.steps.map(\.operation) {
                guard case .operation(let operation) = tape.nodes[id].kind, let ghosts = operation.ghosts,
                    let exchange = ghosts.topology.exchange else { continue }
                let input = tape.nodes[id].inputs[ghosts.input]
                guard isFilled.insert(input).inserted, let value = valueOfNode[input] else { continue }
                let filling = Filling(value: value, domain: ghosts.topology.domain, exchange: exchange)
                // Preparations are not computed in every run.
                let hasBefore = index > 0 && !schedule.stages[index - 1].isPreparation
                if plans[index].arriving == nil && hasBefore {
                    plans[index].arriving = filling
                    plans[index - 1].leaving = filling
                } else {
                    plans[index].sudden.append(filling)
                }
            }
        }
        for index in plans.indices {
            // A stage over other rows has no border.
            let fillings = [plans[index].arriving, plans[index].leaving].compactMap { $0 } + plans[index].sudden
            if !fillings.allSatisfy({ $0.domain === plans[index].domain }) { plans[index].domain = nil }
        }
        return plans
    }

    /// The stage's rows in the order of their computation: those before what arrives is needed, those at the border, those
    /// while what leaves is on its way.
    func parts(of rows: Int, granule: Int) -> (first: Range<Int>, border: Range<Int>, last: Range<Int>) {
        guard let domain, domain.count == rows else { return (0..<0, 0..<rows, rows..<rows) }
        func rounded(_ row: Int) -> Int { min((row + granule - 1) / granule * granule, rows) }
        let border = rounded(domain.borderCount)
        let isFed = arriving != nil || !sudden.isEmpty
        let middle = !isFed ? border : leaving == nil ? rows : rounded(border + (rows - border) / 2)
        return (border..<middle, 0..<border, middle..<rows)
    }

    /// Returns when the ghost rows that the stage needs are there. Collective.
    func finish<Scalar: KernelScalar>(_ values: UnsafeMutablePointer<Operand<Scalar>>) throws {
        try arriving?.finish(values)
        for filling in sudden {
            try filling.start(values)
            try filling.finish(values)
        }
    }

    /// Sends rows at the border on their way. Collective.
    func start<Scalar: KernelScalar>(_ values: UnsafeMutablePointer<Operand<Scalar>>) throws { try leaving?.start(values) }
}
