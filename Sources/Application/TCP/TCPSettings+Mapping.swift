import Sockets
import TCPServer

extension ListenerConfiguration {
    init(_ settings: ListenerSettings) {
        self.init(
            server: settings.name,
            address: settings.address,
            socketMode: settings.socketMode,
            framing: PacketFraming(
                settings.framing == .split
                    ? .split(Delimiter(settings.delimiter)) : .merge(Delimiter(settings.delimiter)),
                maximumPacketSize: settings.maxPacketSize
            ),
            readBufferSize: settings.readBufferSize
        )
    }
}
