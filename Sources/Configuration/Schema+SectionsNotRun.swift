extension Schema {
    /// The top-level sections of RoadRunner 1 to 2026 and of its own plugins that this service does not run.
    static let sectionsNotRun = [
        "amqp", "app-logger", "beanstalk", "boltdb", "broadcast", "centrifuge", "fileserver", "gps", "grpc", "gzip",
        "headers", "http", "informer", "jobs", "kafka", "kv", "lock", "memcached", "memory", "nats", "nsq", "otel",
        "prometheus", "proxy_ip_parser", "pubsub", "redis", "reload", "resetter", "sendfile", "service", "sqs",
        "static",
        "temporal", "websockets",
    ]
}
