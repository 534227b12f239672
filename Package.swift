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
        // The logging API that every target speaks.
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        // Event loops, sockets, pipes and byte buffers: the packet path.
        .package(url: "https://github.com/apple/swift-nio", from: "2.86.0"),
        // Unix signals as an asynchronous sequence.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        // The HTTP server of probes and metrics: its core alone. The trait is there for the alias below: a module of it
        // is named as one of ours, and without the trait that alias has nothing to rename.
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: ["ConfigurationSupport"]),
        // Typed file descriptors for the workers' pipes; the type that swift-subprocess takes.
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        // Spawning workers and reaping them by pidfd; without its Foundation trait.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CGlibc"),
        .target(name: "YAML", dependencies: ["CLibYAML"]),
        .target(name: "Configuration", dependencies: ["YAML"]),
        .target(name: "Goridge", dependencies: [.product(name: "NIOCore", package: "swift-nio")]),
        .target(name: "WorkerPool", dependencies: ["Goridge", .product(name: "Logging", package: "swift-log")]),
        .target(name: "Sockets", dependencies: [.product(name: "NIOCore", package: "swift-nio")]),
        .target(
            name: "WorkerProcess",
            dependencies: [
                "Sockets", "WorkerPool",
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .target(
            name: "TCPServer",
            dependencies: ["Sockets", "WorkerPool", .product(name: "NIOPosix", package: "swift-nio")]
        ),
        .target(name: "Observability", dependencies: [.product(name: "Logging", package: "swift-log")]),
        .target(
            name: "AdminHTTP",
            dependencies: [
                "Observability",
                .product(
                    name: "HummingbirdCore",
                    package: "hummingbird",
                    moduleAliases: ["Configuration": "SwiftConfiguration"]
                ),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(
            name: "Application",
            dependencies: [
                "AdminHTTP", "CGlibc", "Configuration", "Observability", "TCPServer", "WorkerProcess",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "rr",
            dependencies: [
                "AdminHTTP", "Application", "Configuration",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        .testTarget(name: "YAMLTests", dependencies: ["YAML"]),
        .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"]),
        .testTarget(name: "GoridgeTests", dependencies: ["Goridge"]),
        .testTarget(
            name: "WorkerPoolTests",
            dependencies: ["WorkerPool", .product(name: "NIOPosix", package: "swift-nio")]
        ),
        .testTarget(
            name: "SocketsTests",
            dependencies: [
                "Sockets", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "TCPServerTests",
            dependencies: [
                "TCPServer", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "WorkerProcessTests", dependencies: ["WorkerProcess"]),
        .testTarget(name: "ObservabilityTests", dependencies: ["Observability"]),
        .testTarget(
            name: "AdminHTTPTests",
            dependencies: [
                "AdminHTTP", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "ApplicationTests", dependencies: ["Application", "Configuration", "Observability"]),
        // Black-box tests of the built binary with real PHP workers; the fixtures are found by path.
        .testTarget(name: "IntegrationTests", exclude: ["Fixtures"]),
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
