import Diagnostics
import Glibc

/// The key of each thread's last error message.
private let messageKey: pthread_key_t = {
    var key = pthread_key_t()
    // Fails only where a process has used up its keys; messages are then lost, statuses are not.
    pthread_key_create(&key) { free($0) }
    return key
}()

/// Keeps a message for `sages_last_error` on this thread.
private func remember(_ message: String) {
    free(pthread_getspecific(messageKey))
    pthread_setspecific(messageKey, strdup(message))
}

/// This thread's last message; empty if no call failed.
func lastMessage() -> UnsafePointer<CChar> {
    guard let message = pthread_getspecific(messageKey) else { return emptyMessage }
    return UnsafePointer(message.assumingMemoryBound(to: CChar.self))
}

nonisolated(unsafe) private let emptyMessage: UnsafePointer<CChar> = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    text.initialize(to: 0)
    return UnsafePointer(text)
}()

/// Carries out a call: its status, with the message of an error kept for the thread.
func attempt(_ body: () throws -> Void) -> CInt {
    do {
        try body()
        return ExitStatus.success.rawValue
    } catch {
        remember("\(error)")
        return ((error as? any SAGESError)?.exitStatus ?? .internal).rawValue
    }
}

/// A pointer argument that must be there.
func require<Pointer>(_ pointer: Pointer?, _ name: String) throws -> Pointer {
    guard let pointer else { throw InterfaceError.missing(name) }
    return pointer
}

/// A text argument.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws -> String {
    String(cString: try require(pointer, name))
}

/// A text that lives as long as its owner, for the host to read.
final class HostText {
    let pointer: UnsafePointer<CChar>

    init(_ text: String) {
        let bytes = Array(text.utf8CString)
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        memory.initialize(from: bytes, count: bytes.count)
        pointer = UnsafePointer(memory)
    }

    deinit { pointer.deallocate() }
}
