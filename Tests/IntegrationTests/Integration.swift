import Testing

/// The promises of `rr`, each tried on the real binary with real PHP workers.
///
/// One test at a time: they measure times and memory, and fill the machine.
@Suite(.serialized, .blocking, .timeLimit(.minutes(2 + TortureOrder.fuzzSeconds / 60)))
enum Integration {}
