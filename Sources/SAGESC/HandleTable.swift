import Synchronization

/// What a host holds by a handle. Used by one thread at a time, as the header asks.
protocol HostObject: AnyObject, Sendable {
    /// For errors, for example "model".
    static var kind: String { get }
}

/// Handles are numbers that are never used twice, not addresses: a handle that was freed, or is of another kind, is an
/// error and no crash.
enum HandleTable {
    private struct Table {
        var objects: [UInt: any HostObject] = [:]
        var next: UInt = 0
    }
    private static let table = Mutex(Table())

    /// Bits that keep a handle from looking like a small integer or like NULL.
    private static let mark: UInt = 0x5A6E_0000_0000_0000

    static func insert(_ object: any HostObject) -> OpaquePointer? {
        table.withLock { table in
            table.next += 16
            table.objects[mark | table.next] = object
            return OpaquePointer(bitPattern: mark | table.next)
        }
    }

    /// - Throws: `InterfaceError.notAHandle`.
    static func find<Object: HostObject>(_ handle: OpaquePointer?, as type: Object.Type = Object.self) throws -> Object {
        let found = table.withLock { $0.objects[UInt(bitPattern: handle)] }
        guard let object = found as? Object else { throw InterfaceError.notAHandle(Object.kind) }
        return object
    }

    /// Forgets a handle and returns what it was of; nil for NULL.
    /// - Throws: `InterfaceError.notAHandle`.
    static func remove<Object: HostObject>(_ handle: OpaquePointer?, as type: Object.Type) throws -> Object? {
        guard let handle else { return nil }
        let object = try find(handle, as: type)
        _ = table.withLock { $0.objects.removeValue(forKey: UInt(bitPattern: handle)) }
        return object
    }
}
