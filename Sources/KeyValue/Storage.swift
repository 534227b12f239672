/// A place of keys and values: what every driver implements, and all that callers know of it.
///
/// Keys and values are bytes, and two keys are the same when their bytes are: never compare them as `String`, which takes
/// canonically equivalent texts for equal.
package protocol Storage: Sendable {
    var driver: StorageDriver { get }

    var measures: StorageMeasures { get }

    /// Performs a request, as one: it takes effect as a whole or not at all, and no other request sees a part of it. Where
    /// a server elsewhere cannot promise that, a Redis cluster for instance, the driver's documentation says so.
    ///
    /// The driver does not block the calling thread and does not retain more of a request's buffers than it must: these are
    /// slices of a frame, which a stored value would otherwise keep whole.
    ///
    /// - Parameter completion: Called exactly once: before this returns on the calling thread, or later on any thread.
    ///   Requests that are in flight at the same time may take effect in any order.
    func perform(_ request: StorageRequest, _ completion: @escaping StorageCompletion)

    /// Completes the requests in flight, then releases all resources. A request after that fails.
    func close() async
}

package typealias StorageCompletion = @Sendable (Result<StorageAnswer, StorageError>) -> Void

/// Milliseconds since the Unix epoch. An expiry is such a time: its key exists before it, and no longer at it.
package typealias UnixMilliseconds = Int64
