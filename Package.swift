// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "rr",
    products: [
        .executable(name: "rr", targets: ["rr"])
    ],
    dependencies: [
        // The command line: parsing, --help and completion scripts.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // The logging API that every target speaks; 1.11 brought the handler of whole events.
        .package(url: "https://github.com/apple/swift-log", from: "1.11.0"),
        // Event loops, sockets, pipes and byte buffers: the packet path.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // TLS in a channel's pipeline, with the BoringSSL it brings: linked statically, so the binary needs no library.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        // Typed file descriptors for the workers' pipes; the type that swift-subprocess takes.
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        // Spawning workers and reaping them by pidfd; without its Foundation trait.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CGlibc"),
        .systemLibrary(name: "CProcess"),
        .target(name: "Platform", dependencies: ["CGlibc", "CProcess"]),
        .target(name: "Text"),
        .target(name: "JSON", dependencies: ["Text"]),
        .target(name: "YAML", dependencies: ["CLibYAML", "Text"]),
        // Where sockets listen, as plain values: for the configuration and for what listens.
        .target(name: "Addresses"),
        .target(name: "Configuration", dependencies: ["Addresses", "Platform", "Text", "YAML"]),
        .target(name: "Goridge", dependencies: ["JSON", .product(name: "NIOCore", package: "swift-nio")]),
        // What workers call: the services and their wire.
        .target(name: "RPC", dependencies: ["Goridge", "JSON", .product(name: "NIOCore", package: "swift-nio")]),
        // The services of state: locks, and the metrics and the log of applications.
        .target(name: "Locks", dependencies: ["RPC", .product(name: "NIOCore", package: "swift-nio")]),
        .target(name: "ApplicationMetrics", dependencies: ["RPC", .product(name: "NIOCore", package: "swift-nio")]),
        .target(
            name: "ApplicationLog",
            dependencies: [
                "RPC", .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .target(
            name: "WorkerPool",
            dependencies: [
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .target(
            name: "Sockets",
            dependencies: [
                "Addresses",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        // Where the calls of workers and of the command line come in.
        .target(
            name: "RPCServer",
            dependencies: [
                "Addresses", "Goridge", "RPC", "Sockets", "Text",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ]
        ),
        .target(
            name: "RPCClient",
            dependencies: ["Addresses", "JSON", "RPC", "Sockets", .product(name: "NIOCore", package: "swift-nio")]
        ),
        .target(
            name: "WorkerProcess",
            dependencies: [
                "Addresses", "Goridge", "Platform", "Sockets", "WorkerPool",
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        // Storages of keys and values, that in memory among them; every other driver is a target of its own.
        .target(name: "KeyValue", dependencies: [.product(name: "NIOCore", package: "swift-nio")]),
        .target(
            name: "KeyValueFile",
            dependencies: ["CSQLite", "KeyValue", .product(name: "NIOCore", package: "swift-nio")]
        ),
        // Redis by RESP: a server, a master that sentinels name, or a cluster. Knows nothing of storages.
        .target(
            name: "RedisClient",
            dependencies: [
                "Addresses",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .target(
            name: "KeyValueRedis",
            dependencies: ["KeyValue", "RedisClient", .product(name: "NIOCore", package: "swift-nio")]
        ),
        .target(
            name: "KeyValueService",
            dependencies: ["JSON", "KeyValue", "RPC", "Text", .product(name: "NIOCore", package: "swift-nio")]
        ),
        // Certificates and keys, and the stage of the edge that encrypts with them.
        .target(
            name: "TLS",
            dependencies: [
                "Edge", "Text",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        // What lies between an accepted socket and its session.
        .target(
            name: "Edge",
            dependencies: ["Addresses", "Sockets", "Text", .product(name: "NIOCore", package: "swift-nio")]),
        .target(
            name: "TCPServer",
            dependencies: [
                "Addresses", "Edge", "Goridge", "Sockets", "Text", "WorkerPool",
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(
            name: "Observability", dependencies: ["Platform", "Text", .product(name: "Logging", package: "swift-log")]),
        .target(
            name: "AdminHTTP",
            dependencies: [
                "Addresses", "Observability", "Sockets",
                // The HTTP of probes and metrics: a handler of our own is all that these need besides.
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(name: "Features", dependencies: ["Observability"]),
        .target(
            name: "Application",
            dependencies: [
                "Addresses", "AdminHTTP", "ApplicationLog", "ApplicationMetrics", "Configuration", "Edge", "Features",
                "JSON", "KeyValue", "KeyValueFile", "KeyValueRedis", "KeyValueService", "Locks", "Observability",
                "Platform", "RPC", "RPCServer", "RedisClient", "Sockets", "TCPServer", "TLS", "Text", "WorkerProcess",
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .executableTarget(
            name: "rr",
            dependencies: [
                "AdminHTTP", "Application", "Configuration", "JSON", "Platform", "RPCClient", "Sockets", "TLS",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        // What several test targets use; part of no product.
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        // The tests that every storage has to pass.
        .target(
            name: "StorageTestSupport",
            dependencies: ["KeyValue", "TestSupport", .product(name: "NIOCore", package: "swift-nio")],
            path: "Tests/StorageTestSupport"
        ),
        // Writes to a storage's file until a test kills it.
        .executableTarget(
            name: "StorageWriter",
            dependencies: [
                "KeyValue", "KeyValueFile", "StorageTestSupport", .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Tests/StorageWriter"
        ),
        .testTarget(name: "PlatformTests", dependencies: ["Platform", "TestSupport"]),
        .testTarget(name: "TextTests", dependencies: ["Text"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"]),
        .testTarget(name: "YAMLTests", dependencies: ["TestSupport", "YAML"]),
        .testTarget(name: "AddressesTests", dependencies: ["Addresses"]),
        // Application has the keys that a configuration is tried with.
        .testTarget(
            name: "ConfigurationTests",
            dependencies: ["Addresses", "Application", "Configuration", "Platform", "TLS", "TestSupport"],
            exclude: ["Corpus"]
        ),
        .testTarget(name: "GoridgeTests", dependencies: ["Goridge", "TestSupport"]),
        .testTarget(
            name: "RPCTests",
            dependencies: ["Goridge", "RPC", "TestSupport", .product(name: "NIOCore", package: "swift-nio")]
        ),
        .testTarget(
            name: "RPCServerTests",
            dependencies: [
                "Addresses", "RPC", "RPCServer", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOTLS", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "LocksTests",
            dependencies: [
                "Locks", "RPC", "TestSupport", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "ApplicationMetricsTests",
            dependencies: [
                "ApplicationMetrics", "RPC", "TestSupport", .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "ApplicationLogTests",
            dependencies: [
                "ApplicationLog", "RPC", "TestSupport", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "KeyValueTests",
            dependencies: [
                "KeyValue", "StorageTestSupport", "StorageWriter", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "KeyValueFileTests",
            dependencies: [
                "KeyValue", "KeyValueFile", "StorageTestSupport", "StorageWriter", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "KeyValueServiceTests",
            dependencies: [
                "JSON", "KeyValue", "KeyValueService", "RPC", "StorageTestSupport", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "RedisClientTests",
            dependencies: [
                "Addresses", "RedisClient", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .testTarget(
            name: "KeyValueRedisTests",
            dependencies: [
                "Addresses", "KeyValue", "KeyValueRedis", "RedisClient", "StorageTestSupport", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "WorkerPoolTests",
            dependencies: ["TestSupport", "WorkerPool", .product(name: "NIOPosix", package: "swift-nio")]
        ),
        .testTarget(
            name: "SocketsTests",
            dependencies: [
                "Addresses", "Sockets", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "EdgeTests",
            dependencies: [
                "Addresses", "Edge", "Sockets", "TestSupport", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "TLSTests",
            dependencies: [
                "Edge", "TLS", "TestSupport", "Text", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .testTarget(
            name: "TCPServerTests",
            dependencies: [
                "Addresses", "Edge", "Goridge", "Sockets", "TCPServer", "TestSupport", "Text", "WorkerPool",
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "WorkerProcessTests",
            dependencies: [
                "Goridge", "Platform", "Sockets", "TestSupport", "WorkerPool", "WorkerProcess",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "ObservabilityTests", dependencies: ["Observability", "TestSupport"]),
        .testTarget(
            name: "AdminHTTPTests",
            dependencies: [
                "Addresses", "AdminHTTP", "Sockets", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "FeaturesTests", dependencies: ["Features", "Observability"]),
        .testTarget(
            name: "ApplicationTests",
            dependencies: ["Application", "Configuration", "JSON", "Observability", "Platform"]
        ),
        // Black-box tests of the built binary with real PHP workers; the fixtures are found by path.
        .testTarget(name: "IntegrationTests", dependencies: ["TestSupport"], exclude: ["Fixtures"]),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
