import CGlibc

/// Memory that large packets or slow clients needed and that is free again.
///
/// glibc keeps most of it: only `malloc_trim(3)` returns free memory that lies below memory in use.
package enum FreeMemory {
    /// The time between two calls of ``giveBack()``.
    package static let interval = Duration.seconds(10)
    /// The fewest bytes that are worth the time of a trim.
    private static let worthwhile = 32 << 20

    /// Returns free memory to the system if it is much, and more than is in use: a server under load keeps memory that
    /// it will soon need again. Takes milliseconds, so do not call it on an event loop.
    package static func giveBack() {
        let memory = mallinfo2()
        if memory.fordblks > max(Self.worthwhile, memory.uordblks) {
            malloc_trim(0)
        }
    }
}
