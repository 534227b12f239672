import CGlibc

/// Memory that was needed once, for large packets or clients that did not read, and is free since.
///
/// glibc keeps most of it: what lies below anything that is in use is given back by `malloc_trim(3)` alone.
package enum FreeMemory {
    /// How often is looked.
    package static let interval = Duration.seconds(10)
    /// Less than so many bytes are not worth the time that it takes.
    private static let worthwhile = 32 << 20

    /// Gives it back to the system when it is much, and more than what is in use: a server under load keeps what it will
    /// need again in a moment. Takes milliseconds; not on an event loop.
    package static func giveBack() {
        let memory = mallinfo2()
        if memory.fordblks > max(Self.worthwhile, memory.uordblks) {
            malloc_trim(0)
        }
    }
}
