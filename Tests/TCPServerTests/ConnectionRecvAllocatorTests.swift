import NIOCore
import Testing

@testable import TCPServer

@Suite struct ConnectionRecvAllocatorTests {
    @Test(arguments: [3, 511, 512, 1 << 20, (1 << 20) + 1, 100 << 20])
    func sizesAdaptAsThoseOfTheLibrary(maximum: Int) {
        let bench = HandlerBench()
        var random = SystemRandomNumberGenerator()
        let smallest = min(512, maximum)
        var model = AdaptiveRecvByteBufferAllocator(minimum: smallest, initial: smallest, maximum: maximum)
        var allocator = ConnectionRecvAllocator(maximum: maximum, home: bench.home)
        for _ in 0..<2000 {
            let size = allocator.buffer(allocator: ByteBufferAllocator()).capacity
            #expect(size >= model.nextBufferSize() ?? 0 && size < 2 * max(1, model.nextBufferSize() ?? 0))
            let read = [0, 1, size / 2, size / 2 + 1, size, size].randomElement(using: &random) ?? 0
            _ = model.record(actualReadBytes: read)
            // A buffer larger than the one that is kept is asked for each time: the loop's connections share them.
            #expect(
                allocator.record(actualReadBytes: read)
                    == (model.nextBufferSize() ?? 0 > model.minimum))
        }
        #expect(MemoryLayout<ConnectionRecvAllocator>.size <= 3 * MemoryLayout<Int>.size, "without an allocation")
    }
}
