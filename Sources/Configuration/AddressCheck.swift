import Addresses

/// An address that a configuration wants to listen on.
package struct AddressClaim: Sendable {
    /// The keys of the address.
    let path: [String]
    var address: ListenAddress
    /// Claims of one group may have the same address: one listener then serves them all.
    let group: String?

    package init(_ path: [String], _ address: ListenAddress, group: String? = nil) {
        self.path = path
        self.address = address
        self.group = group
    }
}

/// Rejects addresses that cannot be bound at the same time.
package struct AddressCheck {
    /// The root of the configuration.
    private let root: SectionReader

    package init(root: SectionReader) {
        self.root = root
    }

    /// - Parameter claims: The later one of two conflicting claims is rejected.
    package func check(_ claims: [AddressClaim]) throws(ConfigurationError) {
        var taken: [AddressClaim] = []
        for var listener in claims {
            let spelling = listener.address.description
            listener.address = located(listener.address)
            if let other = taken.first(where: { Self.conflict($0, listener) }) {
                throw place(of: listener).error(
                    .addressConflict,
                    "\(spelling) is taken already: `\(other.path.joined(separator: "."))` is \(other.address) "
                        + "(\(origin(of: other)))",
                    key: listener.path.joined(separator: "."),
                    fix: "give each its own \(other.address.isTCP ? "port" : "path")"
                )
            }
            taken.append(listener)
        }
    }

    private static func conflict(_ one: AddressClaim, _ other: AddressClaim) -> Bool {
        let mayShare = one.group != nil && one.group == other.group
        return one.address.overlaps(other.address) && !(mayShare && one.address == other.address)
    }

    /// An address with a canonical path: absolute, and without symbolic links in its directory.
    private func located(_ address: ListenAddress) -> ListenAddress {
        guard case .unix(let path) = address else { return address }
        let absolute = FilePath.absolute(path, in: root.context.workDirectory)
        let directory = FilePath.resolved(FilePath.directory(of: absolute))
        return .unix(path: FilePath.absolute(FilePath.name(of: absolute), in: directory))
    }

    /// The place of the value, or of the section if the value is a default.
    private func place(of listener: AddressClaim) -> SourcePlace {
        root.source.value(at: listener.path[...])?.place ?? root.source[listener.path[0]]?.keyPlace ?? root.place
    }

    private func origin(of listener: AddressClaim) -> ValueOrigin {
        root.source.value(at: listener.path[...])?.place.origin ?? .defaultValue
    }
}
