import MPI

/// Fills the ghosts of fields from the ranks that own them, and the adjoint of that.
///
/// Gather form F (`start`, `finish`): every ghost in the 26 directions, corners too, becomes a copy of the cell that it
/// stands for; ghosts beyond an open end become zero. Adjoint F* (`startAdjoint`, `finishAdjoint`): the numbers of the
/// ghosts are added to the cells that they stand for, in the fixed order of directions, and the ghosts become zero;
/// those beyond an open end are dropped. So <F x, y> = <x, F* y> over padded boxes.
///
/// Copies are the same on every decomposition. The sums of the adjoint have as many terms as a cell has ghosts, which
/// depends on the decomposition: code whose bits must not depend on it exchanges adjoints in gather form.
///
/// Buffers and requests are made once; exchanging allocates nothing here. One exchange at a time on an object; work on
/// owned cells that the exchange does not write can go on between start and finish.
public final class HaloExchange<Scalar: GridScalar> {
    public let decomposition: Decomposition
    public let channels: Int
    public var box: PaddedBox { plan.box }

    private enum Phase { case idle, gathering, scattering }
    private let plan: HaloPlan
    private let bytesPerCell: Int
    private let gather: PersistentExchange
    private let scatter: PersistentExchange?
    private var phase = Phase.idle
    private var field: UnsafeMutableRawPointer?
    /// For tests: the ghosts in this direction are left as they are, as if their message were lost.
    var droppedDirection: Int?

    /// Makes the exchange of fields of `channels` numbers a cell among the ranks of `communicator`, which are as many as
    /// the decomposition's. `adjoint: false` saves the adjoint's buffers where it is not called. Throws `MPIError`.
    /// Collective.
    public init(_ decomposition: Decomposition, communicator: Communicator, channels: Int, adjoint: Bool = true) throws {
        precondition(communicator.size == decomposition.ranks, "the decomposition is for another number of ranks")
        precondition(channels > 0, "a field has at least one channel")
        self.decomposition = decomposition
        self.channels = channels
        // Messages of exchanges that are under way at the same time must not meet.
        let isolated = try Communicator(duplicating: communicator)
        let plan = HaloPlan(decomposition, rank: communicator.rank)
        let bytesPerCell = channels * MemoryLayout<Scalar>.stride
        // A message bears the direction in which it travels as its tag: ghosts come from the opposite one.
        let borders = plan.messages.map {
            PersistentExchange.Message(rank: $0.rank, tag: $0.direction,
                                       byteCount: plan.box.border(Direction.offset($0.direction)).count * bytesPerCell)
        }
        let ghosts = plan.messages.map {
            PersistentExchange.Message(rank: $0.rank, tag: Direction.opposite($0.direction),
                                       byteCount: plan.box.ghosts(Direction.offset($0.direction)).count * bytesPerCell)
        }
        gather = try PersistentExchange(communicator: isolated, sends: borders, receives: ghosts)
        // The adjoint sends what the gather receives, the other way: the tags stay those of the pair.
        scatter = adjoint ? try PersistentExchange(communicator: isolated, sends: ghosts, receives: borders) : nil
        self.plan = plan
        self.bytesPerCell = bytesPerCell
    }

    // MARK: Gather

    /// Starts to fill the ghosts of a field. Its owned cells must not change, nor its ghosts be used, until `finish`.
    /// Collective.
    public func start(_ field: GridField<Scalar>) throws {
        precondition(field.box == box && field.channels == channels, "the field has another shape than the exchange")
        try start(padded: field.storage)
    }

    /// As `start`, for numbers laid out as in a `GridField` of this exchange's box and channels.
    public func start(padded: UnsafeMutableBufferPointer<Scalar>) throws {
        let base = begin(padded, .gathering)
        for (slot, message) in plan.messages.enumerated() {
            var buffer = gather.sendBuffer(slot).baseAddress.unsafelyUnwrapped
            plan.forEachRun(box.border(Direction.offset(message.direction))) { index, count in
                buffer.copyMemory(from: base + index * bytesPerCell, byteCount: count * bytesPerCell)
                buffer += count * bytesPerCell
            }
        }
        try gather.start()
        for direction in 0..<Direction.count where direction != droppedDirection {
            switch plan.sources[direction] {
            case .open: zeroGhosts(direction, base)
            case .wrap(direction: Direction.center): copyWrapped(direction, base)
            default: break
            }
        }
    }

    /// Fills the ghosts of the field given to `start`; returns when they can be used. Collective.
    public func finish() throws {
        let base = end(.gathering)
        try gather.wait()
        for (slot, message) in plan.messages.enumerated() where message.direction != droppedDirection {
            var buffer = UnsafeRawPointer(gather.receiveBuffer(slot).baseAddress.unsafelyUnwrapped)
            plan.forEachRun(box.ghosts(Direction.offset(message.direction))) { index, count in
                (base + index * bytesPerCell).copyMemory(from: buffer, byteCount: count * bytesPerCell)
                buffer += count * bytesPerCell
            }
        }
        // Copies of ghosts that have just arrived.
        for direction in 0..<Direction.count where direction != droppedDirection {
            if case .wrap(let source) = plan.sources[direction], source != Direction.center { copyWrapped(direction, base) }
        }
    }

    /// Fills the ghosts of a field. Collective.
    public func exchange(_ field: GridField<Scalar>) throws {
        try start(field)
        try finish()
    }

    // MARK: Adjoint

    /// Starts to add the ghosts of a field to the cells that they stand for. Ghosts must not be used until
    /// `finishAdjoint`; owned cells may change. Collective.
    public func startAdjoint(_ field: GridField<Scalar>) throws {
        precondition(field.box == box && field.channels == channels, "the field has another shape than the exchange")
        try startAdjoint(padded: field.storage)
    }

    /// As `startAdjoint`, for numbers laid out as in a `GridField` of this exchange's box and channels.
    public func startAdjoint(padded: UnsafeMutableBufferPointer<Scalar>) throws {
        guard let scatter else { preconditionFailure("the exchange was made without its adjoint") }
        let base = begin(padded, .scattering)
        // The gather's steps in reverse: first the copies of ghosts that come from other ranks.
        for direction in 0..<Direction.count {
            switch plan.sources[direction] {
            case .wrap(let source) where source != Direction.center: addWrapped(direction, base)
            case .open: zeroGhosts(direction, base)
            default: break
            }
        }
        for (slot, message) in plan.messages.enumerated() {
            var buffer = scatter.sendBuffer(slot).baseAddress.unsafelyUnwrapped
            plan.forEachRun(box.ghosts(Direction.offset(message.direction))) { index, count in
                buffer.copyMemory(from: base + index * bytesPerCell, byteCount: count * bytesPerCell)
                buffer += count * bytesPerCell
            }
            zeroGhosts(message.direction, base)
        }
        try scatter.start()
    }

    /// Adds the ghosts to the owned cells of the field given to `startAdjoint`. Collective.
    public func finishAdjoint() throws {
        guard let scatter else { preconditionFailure("the exchange was made without its adjoint") }
        let base = end(.scattering)
        try scatter.wait()
        var slot = 0
        for direction in 0..<Direction.count {
            switch plan.sources[direction] {
            case .rank:
                var buffer = UnsafeRawPointer(scatter.receiveBuffer(slot).baseAddress.unsafelyUnwrapped)
                plan.forEachRun(box.border(Direction.offset(direction))) { index, count in
                    Scalar.accumulate(buffer, into: base + index * bytesPerCell, count: count * channels)
                    buffer += count * bytesPerCell
                }
                slot += 1
            case .wrap(direction: Direction.center): addWrapped(direction, base)
            default: break
            }
        }
    }

    /// Adds the ghosts of a field to the cells that they stand for. Collective.
    public func exchangeAdjoint(_ field: GridField<Scalar>) throws {
        try startAdjoint(field)
        try finishAdjoint()
    }

    /// Drives the messages of the exchange under way; true when they have all arrived (`finish` will not wait).
    public func progress() throws -> Bool {
        switch phase {
        case .idle: true
        case .gathering: try gather.test()
        case .scattering: try scatter?.test() ?? true
        }
    }

    // MARK: Steps

    private func begin(_ padded: UnsafeMutableBufferPointer<Scalar>, _ next: Phase) -> UnsafeMutableRawPointer {
        precondition(phase == .idle, "a halo exchange is started before the last one is finished")
        precondition(padded.count == box.padded.count * channels, "the numbers do not fill the padded box")
        phase = next
        let base = UnsafeMutableRawPointer(padded.baseAddress.unsafelyUnwrapped)
        field = base
        return base
    }

    private func end(_ current: Phase) -> UnsafeMutableRawPointer {
        guard phase == current, let base = field else { preconditionFailure("a halo exchange is finished that was not started") }
        phase = .idle
        field = nil
        return base
    }

    private func zeroGhosts(_ direction: Int, _ base: UnsafeMutableRawPointer) {
        plan.forEachRun(box.ghosts(Direction.offset(direction))) { index, count in
            (base + index * bytesPerCell).initializeMemory(as: UInt8.self, repeating: 0, count: count * bytesPerCell)
        }
    }

    private func copyWrapped(_ direction: Int, _ base: UnsafeMutableRawPointer) {
        plan.forEachWrappedRun(direction) { ghost, source, count in
            (base + ghost * bytesPerCell).copyMemory(from: base + source * bytesPerCell, byteCount: count * bytesPerCell)
        }
    }

    private func addWrapped(_ direction: Int, _ base: UnsafeMutableRawPointer) {
        plan.forEachWrappedRun(direction) { ghost, source, count in
            Scalar.accumulate(base + ghost * bytesPerCell, into: base + source * bytesPerCell, count: count * channels)
        }
        zeroGhosts(direction, base)
    }
}
