import Foundation

/// The error of a system call.
struct SystemError: Error, CustomStringConvertible {
    var call: String
    var code: Int32

    init(_ call: String, _ code: Int32 = errno) {
        self.call = call
        self.code = code
    }

    var description: String {
        "\(self.call): \(String(cString: strerror(self.code)))"
    }
}

/// The result of a system call that tells its errors by -1.
@discardableResult
func check<Result: SignedInteger>(_ result: Result, _ call: String) throws -> Result {
    if result == -1 {
        throw SystemError(call)
    }
    return result
}
