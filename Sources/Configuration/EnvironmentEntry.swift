/// One variable for a worker: the name is upper case, the value is expanded.
package struct EnvironmentEntry: Sendable, Equatable, Hashable {
    package var name: String
    /// Any bytes but NUL: a variable need not be UTF-8.
    package var value: ByteText

    package init(name: String, value: ByteText) {
        self.name = name
        self.value = value
    }
}
