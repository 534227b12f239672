/// Builds the tree of one document from events.
struct YAMLComposer: ~Copyable {
    private var reader: YAMLEventReader
    private let maximumDepth: Int
    private let maximumNodes: Int
    private var nodes = 0
    private var anchors: [String: Anchor] = [:]

    private enum Anchor {
        /// Its node is still being read: an alias to it would never end.
        case open
        case node(YAMLNode, size: Int)
    }

    init(reader: consuming YAMLEventReader, maximumDepth: Int, maximumNodes: Int) {
        self.reader = reader
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
    }

    /// Reads the whole stream, which must hold at most one document. Empty ones after it, such as from a final `---`,
    /// do not count.
    mutating func document() throws(YAMLError) -> YAMLNode? {
        var event = try reader.next()
        if event.kind == .streamStart { event = try reader.next() }
        guard event.kind == .documentStart else { return nil }
        let root = try node(try reader.next(), depth: 0)
        _ = try reader.next()
        while true {
            let after = try reader.next()
            guard after.kind != .streamEnd else { return root }
            guard try reader.next().kind.isNothing else {
                throw YAMLError(message: "a second document starts here; only one is allowed", mark: after.mark)
            }
            _ = try reader.next()
        }
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> YAMLNode {
        guard depth < maximumDepth || !event.kind.opensCollection else {
            throw YAMLError(message: "nested more than \(maximumDepth) levels deep", mark: event.mark)
        }
        let before = nodes
        try count(1, at: event.mark)
        switch event.kind {
        case .alias(let name):
            return try alias(name, at: event.mark)
        case .scalar(let scalar, _, let anchor):
            let node = YAMLNode(content: .scalar(scalar), mark: event.mark)
            if let anchor { anchors[anchor] = .node(node, size: 1) }
            return node
        case .sequenceStart(let anchor):
            if let anchor { anchors[anchor] = .open }
            let node = YAMLNode(content: .sequence(try items(depth: depth)), mark: event.mark)
            if let anchor { anchors[anchor] = .node(node, size: nodes - before) }
            return node
        case .mappingStart(let anchor):
            if let anchor { anchors[anchor] = .open }
            let node = YAMLNode(content: .mapping(try entries(depth: depth)), mark: event.mark)
            if let anchor { anchors[anchor] = .node(node, size: nodes - before) }
            return node
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw YAMLError(message: "a value is missing here", mark: event.mark)
        }
    }

    private mutating func alias(_ name: String, at mark: YAMLMark) throws(YAMLError) -> YAMLNode {
        switch anchors[name] {
        case nil: throw YAMLError(message: "the anchor `\(name)` is not defined", mark: mark)
        case .open: throw YAMLError(message: "the anchor `\(name)` contains itself", mark: mark)
        case .node(let node, let size):
            try count(size, at: mark)
            return node
        }
    }

    private mutating func items(depth: Int) throws(YAMLError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let event = try reader.next()
            if event.kind == .sequenceEnd { return items }
            items.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func entries(depth: Int) throws(YAMLError) -> [YAMLEntry] {
        var entries = YAMLMappingBuilder()
        while true {
            let event = try reader.next()
            if event.kind == .mappingEnd { return entries.finish() }
            let isMerge = if case .scalar(_, isMergeKey: true, _) = event.kind { true } else { false }
            let key = try node(event, depth: depth + 1)
            guard case .scalar(let scalar) = key.content else {
                throw YAMLError(message: "a key must be a scalar", mark: event.mark)
            }
            let value = try node(try reader.next(), depth: depth + 1)
            if isMerge {
                try entries.merge(value, at: event.mark)
            } else {
                try entries.add(YAMLEntry(key: scalar.text, keyMark: event.mark, value: value))
            }
        }
    }

    private mutating func count(_ more: Int, at mark: YAMLMark) throws(YAMLError) {
        nodes += more
        guard nodes <= maximumNodes else {
            throw YAMLError(message: "more than \(maximumNodes) values once aliases are expanded", mark: mark)
        }
    }
}
