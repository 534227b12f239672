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
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // Typed file descriptors for the workers' pipes; the type that swift-subprocess takes.
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        // Spawning workers and reaping them by pidfd; without its Foundation trait.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CGlibc"),
        .systemLibrary(name: "CProcess"),
        .target(name: "Platform"),
        .target(name: "YAML", dependencies: ["CLibYAML"]),
        .target(name: "Configuration", dependencies: ["Platform", "YAML"]),
        .target(name: "Goridge", dependencies: [.product(name: "NIOCore", package: "swift-nio")]),
        .target(name: "WorkerPool", dependencies: ["Goridge", .product(name: "Logging", package: "swift-log")]),
        .target(
            name: "Sockets",
            dependencies: [
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(
            name: "WorkerProcess",
            dependencies: [
                "Platform", "Sockets", "WorkerPool",
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
                "Observability", "Sockets",
                // The HTTP of probes and metrics: a handler of our own is all that these need besides.
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(name: "Features", dependencies: ["Observability"]),
        .target(
            name: "Application",
            dependencies: [
                "AdminHTTP", "CGlibc", "CProcess", "Configuration", "Features", "Observability", "Platform", "Sockets",
                "TCPServer", "WorkerProcess",
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .executableTarget(
            name: "rr",
            dependencies: [
                "AdminHTTP", "Application", "Configuration", "Platform", "Sockets",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"]),
        .testTarget(name: "YAMLTests", dependencies: ["YAML"]),
        // Application has the keys that a configuration is tried with.
        .testTarget(name: "ConfigurationTests", dependencies: ["Application", "Configuration", "Platform"]),
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
                "Sockets", "TCPServer", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "WorkerProcessTests",
            dependencies: ["Sockets", "WorkerProcess", .product(name: "NIOCore", package: "swift-nio")]
        ),
        .testTarget(name: "ObservabilityTests", dependencies: ["Observability"]),
        .testTarget(
            name: "AdminHTTPTests",
            dependencies: [
                "AdminHTTP", "Sockets", .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "FeaturesTests", dependencies: ["Features", "Observability"]),
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
