import Addresses

/// A type of values, with its reading, printing and description.
package struct ValueKind<Value: Sendable & Equatable>: Sendable {
    /// Reads the value of a key and notes it. The last argument is the default; `nil` means that the value is absent or
    /// stands for the default.
    package typealias Read = @Sendable (inout SectionReader, String, Value?) throws(ConfigurationError) -> Value?

    /// For the reference.
    let type: String
    /// For the reference; empty if any value of the type is valid.
    let range: String
    let node: SchemaNode
    /// The value as `rr check` prints a default; `nil` when nothing is printed.
    let effective: @Sendable (Value) -> EffectiveNode?
    package let read: Read

    package init(
        type: String,
        range: String = "",
        node: SchemaNode = .value,
        effective: @escaping @Sendable (Value) -> EffectiveNode?,
        read: @escaping Read
    ) {
        self.type = type
        self.range = range
        self.node = node
        self.effective = effective
        self.read = read
    }
}

extension EffectiveNode {
    /// A default.
    package static func scalar(_ value: EffectiveScalar) -> EffectiveNode {
        .scalar(value, origin: .defaultValue)
    }
}

extension ValueKind<Int> {
    /// A whole number.
    ///
    /// - Parameters:
    ///   - unit: For the reference.
    ///   - zeroIsDefault: Whether 0 stands for the default, as in RoadRunner, whatever the range.
    package static func integer(
        in range: ClosedRange<Int>, unit: String? = nil, zeroIsDefault: Bool = false
    ) -> ValueKind {
        let isOpen = range.upperBound >= 1 << 40
        let upper = isOpen ? "from \(range.lowerBound)" : "\(range.lowerBound)…\(range.upperBound)"
        return ValueKind(
            type: unit.map { "integer, \($0)" } ?? "integer",
            range: zeroIsDefault ? "\(upper); 0: the default" : upper,
            effective: { .scalar(.integer($0)) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (number, place) = try reader.integer(key), !zeroIsDefault || number != 0 else { return nil }
                try reader.check(number, in: range, key: key, at: place)
                reader.note(key, .integer(number), from: place)
                return number
            }
        )
    }

    /// A size in bytes, written in MB (2^20 bytes) or with a unit.
    ///
    /// - Parameters:
    ///   - bytesOver: Above this many MB a whole number is bytes.
    ///   - zeroIsDefault: Whether 0 stands for the default. Otherwise 0 is rejected: there is always a limit.
    package static func size(bytesOver: Int? = nil, zeroIsDefault: Bool) -> ValueKind {
        ValueKind(
            type: "integer, MB",
            range: "1…\(bytesOver ?? 1024)" + (zeroIsDefault ? "; 0: the default" : ""),
            effective: { .scalar(SectionReader.sizeText($0)) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (bytes, place) = try reader.size(key, bytesOver: bytesOver) else { return nil }
                guard bytes > 0 else {
                    guard !zeroIsDefault else { return nil }
                    throw place.error(
                        .outOfRange,
                        "0 is not allowed: there is always a limit",
                        key: reader.path(key),
                        fix: "use 1 or more (MB), or a text such as 512KB"
                    )
                }
                reader.note(key, SectionReader.sizeText(bytes), from: place)
                return bytes
            }
        )
    }
}

extension ValueKind<Bool> {
    package static var bool: ValueKind {
        ValueKind(
            type: "boolean",
            effective: { .scalar(.bool($0)) },
            read: { reader, key, _ throws(ConfigurationError) in try reader.bool(key) }
        )
    }
}

extension ValueKind<Duration> {
    /// - Parameter unit: The unit of a number without one.
    package static func duration(
        _ bounds: SectionReader.DurationBounds, wholeNumbersAre unit: Duration = .nanoseconds(1)
    ) -> ValueKind {
        ValueKind(
            type: unit == .seconds(1) ? "seconds or duration" : "duration",
            range: bounds == .zeroAllowed ? "from 0" : "above 0; 0: the default",
            effective: { .scalar(.text(GoDuration.format($0))) },
            read: { reader, key, fallback throws(ConfigurationError) in
                try reader.duration(key, default: fallback, bounds, wholeNumbersAre: unit)
            }
        )
    }
}

extension ValueKind<String> {
    /// - Parameter type: For the reference.
    package static func text(_ type: String = "string") -> ValueKind {
        ValueKind(
            type: type,
            effective: { .scalar(.text($0)) },
            read: { reader, key, _ throws(ConfigurationError) in try reader.text(key) }
        )
    }
}

extension ValueKind<String> {
    /// A password: printed as the variable that it came from, or else masked.
    package static var secret: ValueKind {
        ValueKind(
            type: "string",
            effective: { _ in nil },
            read: { reader, key, _ throws(ConfigurationError) in
                var unnoted = reader
                guard let text = try unnoted.text(key), let (scalar, place) = try reader.scalar(key) else { return nil }
                let shown = EffectiveScalar.text(text).hidden(behind: scalar.reference ?? EffectiveScalar.mask)
                reader.note(key, shown, from: place)
                return text
            }
        )
    }
}

extension ValueKind where Value: CaseIterable & RawRepresentable<String> {
    /// One of a few words.
    ///
    /// - Parameter aliases: Other spellings.
    package static func choice(aliases: [String: Value] = [:]) -> ValueKind {
        ValueKind(
            type: "string",
            range: Value.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "),
            effective: { .scalar(.text($0.rawValue)) },
            read: { reader, key, _ throws(ConfigurationError) in try reader.choice(key, aliases: aliases) }
        )
    }
}

extension ValueKind<[String]> {
    package static var list: ValueKind {
        ValueKind(
            type: "string or list",
            effective: { .sequence($0.map { .text($0) }, origin: .defaultValue) },
            read: { reader, key, _ throws(ConfigurationError) in try reader.list(key) }
        )
    }

    /// An argument vector. Values from variables are secrets; an empty vector is not printed.
    package static var command: ValueKind {
        ValueKind(
            type: "string or list",
            effective: { _ in nil },
            read: { reader, key, _ throws(ConfigurationError) in
                let command = try reader.command(key)
                return command.isEmpty ? nil : command
            }
        )
    }
}

extension ValueKind<[Double]> {
    package static var numbers: ValueKind {
        ValueKind(
            type: "list of numbers",
            effective: { _ in nil },
            read: { reader, key, _ throws(ConfigurationError) in try reader.numbers(key) }
        )
    }
}

extension ValueKind<[Double: Double]> {
    package static var numberMap: ValueKind {
        ValueKind(
            type: "map of numbers, or list of one-key maps",
            node: .variables,
            effective: { _ in nil },
            read: { reader, key, _ throws(ConfigurationError) in try reader.numberMap(key) }
        )
    }
}

extension ValueKind<[EnvironmentEntry]> {
    /// Variables for a process. Values from the environment are secrets.
    package static var variables: ValueKind {
        ValueKind(
            type: "map, or list of one-key maps",
            node: .variables,
            effective: { _ in .mapping([]) },
            read: { reader, key, _ throws(ConfigurationError) in try reader.variables(key) }
        )
    }
}

extension ValueKind<ListenAddress> {
    package static var address: ValueKind {
        ValueKind(
            type: "string",
            effective: { .scalar(.text($0.description)) },
            read: { reader, key, _ throws(ConfigurationError) in try reader.address(key) }
        )
    }
}
