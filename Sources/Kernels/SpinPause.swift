internal import CInstructionSet

/// Tells the processor that the thread waits in a loop, so that it saves power and leaves units to its twin.
public func spinPause() { sages_spin_pause() }
