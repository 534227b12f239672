import Sockets
import TCPServer

extension ServerConfiguration {
    init(_ settings: ListenerSettings) {
        self.init(
            name: settings.name,
            address: settings.address,
            socketMode: settings.socketMode,
            framing: PacketFraming(
                mode: settings.framing == .split ? .split : .merge,
                delimiter: settings.delimiter,
                maximumPacketSize: settings.maxPacketSize
            ),
            readBufferSize: settings.readBufferSize
        )
    }
}
