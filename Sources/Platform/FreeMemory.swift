import CGlibc

/// Memory that was needed once, for large packets or clients that did not read, and is free since.
///
/// glibc keeps most of it: only `malloc_trim(3)` gives back free memory that lies below memory in use.
package enum FreeMemory {
    /// The time between two calls of ``giveBack()``.
    package static let interval = Duration.seconds(10)
    /// Less than so many bytes are not worth the time that it takes.
    private static let worthwhile = 32 << 20

    /// Gives free memory back to the system when it is much, and more than is in use. A server under load keeps the memory
    /// that it will need again in a moment. Takes milliseconds; not on an event loop.
    package static func giveBack() {
        let memory = mallinfo2()
        if memory.fordblks > max(Self.worthwhile, memory.uordblks) {
            malloc_trim(0)
        }
    }
}
