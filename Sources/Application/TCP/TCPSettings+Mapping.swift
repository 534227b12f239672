import Edge
import NIOCore
import Sockets
import TCPServer

extension ListenerConfiguration {
    init(_ settings: ListenerSettings) {
        self.init(
            server: settings.name,
            address: settings.address,
            socketMode: settings.socketMode,
            framing: PacketFraming(PacketFraming.Rule(settings), maximumPacketSize: settings.maxPacketSize),
            readBufferSize: settings.readBufferSize
        )
        self.edge = Edge(settings)
        let patience = TimeAmount(clamping: settings.stickyWait)
        switch settings.dispatch {
        case .free: self.dispatch = .free
        case .connection: self.dispatch = .connection(patience: patience)
        case .ip: self.dispatch = .ip(patience: patience)
        }
    }
}

extension PacketFraming.Rule {
    /// The settings have what their framing needs: that was checked when they were read.
    fileprivate init(_ settings: ListenerSettings) {
        switch settings.framing {
        case .merge:
            self =
                settings.delimiters.isEmpty
                ? .merge(Delimiter(settings.delimiter)) : .mergeAny(DelimiterSet(settings.delimiters))
        case .split:
            if settings.delimiters.isEmpty, settings.start == nil, settings.trailer == nil {
                self = .split(Delimiter(settings.delimiter))
            } else {
                let end = PacketMarks.End(settings.delimiter, settings.delimiters)
                self = .marked(PacketMarks(end, start: settings.start, trailer: settings.trailer ?? 0))
            }
        case .length: self = settings.length.map { .length(LengthField($0)) } ?? .raw
        case .fixed: self = settings.size.map { .fixed($0) } ?? .raw
        case .raw: self = .raw
        case .rules: self = .starts(StartRules(settings.rules.map { StartRules.Entry($0) }))
        }
    }
}

extension PacketMarks.End {
    fileprivate init(_ delimiter: [UInt8], _ delimiters: [[UInt8]]) {
        self = delimiters.isEmpty ? .one(Delimiter(delimiter)) : .any(DelimiterSet(delimiters))
    }
}

extension StartRules.Entry {
    fileprivate init(_ settings: StartRuleSettings) {
        let rule: PacketFraming.Rule
        if let length = settings.length {
            rule = .length(LengthField(length))
        } else if let size = settings.size {
            rule = .fixed(size)
        } else {
            let end = PacketMarks.End(settings.delimiter ?? [], settings.delimiters ?? [])
            rule = .marked(
                PacketMarks(end, trailer: settings.trailer ?? 0, searchFrom: settings.starts.count))
        }
        self.init(starts: settings.starts, rule)
    }
}

extension LengthField {
    fileprivate init(_ settings: LengthSettings) {
        let size = UInt8(settings.size ?? 0)
        let form: Form
        switch (settings.type, settings.until?.first) {
        case (.binary, _): form = .binary(size: size, isLittleEndian: settings.order == .little)
        case (.decimal, nil): form = .digits(size: size, base: 10)
        case (.decimal, let until?): form = .digitsUntil(until, base: 10)
        case (.hex, nil): form = .digits(size: size, base: 16)
        case (.hex, let until?): form = .digitsUntil(until, base: 16)
        case (.varint, _): form = .varint
        }
        self.init(form, offset: settings.offset, add: settings.add)
    }
}
