import CLibYAML

/// libyaml's parser as a source of Swift values.
///
/// Parser and text live on the heap at fixed addresses: libyaml keeps pointers to both.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>
    /// Bytes of the byte order mark.
    private let skipped: Int

    /// - Parameter bytes: UTF-8, with or without a byte order mark.
    /// - Throws: ``YAMLError`` when memory is short.
    init(_ bytes: [UInt8]) throws(YAMLError) {
        parser = .allocate(capacity: 1)
        text = .allocate(capacity: max(bytes.count, 1))
        _ = text.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            text.deallocate()
            throw YAMLError(message: "out of memory")
        }
        // Set explicitly, so that no byte order mark can turn the text into UTF-16. The scanner would then count a
        // UTF-8 mark as a column, which breaks the indentation, so the mark is skipped here.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        skipped = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        yaml_parser_set_input_string(parser, text.baseAddress.map { $0 + skipped }, bytes.count - skipped)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// The next event. Must not be called after `streamEnd`.
    mutating func next() throws(YAMLError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(kind: kind(of: event), mark: YAMLMark(event.start_mark))
    }

    private func kind(of event: yaml_event_t) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: .streamStart
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_DOCUMENT_END_EVENT: .documentEnd
        case YAML_ALIAS_EVENT: .alias(string(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT: scalar(of: event)
        case YAML_SEQUENCE_START_EVENT: .sequenceStart(anchor: string(event.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: .sequenceEnd
        case YAML_MAPPING_START_EVENT: .mappingStart(anchor: string(event.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: .mappingEnd
        default: .streamEnd
        }
    }

    private func scalar(of event: yaml_event_t) -> YAMLEvent.Kind {
        let scalar = event.data.scalar
        // By length: a quoted scalar may hold a NUL.
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        let tag = string(scalar.tag)
        let kind: YAMLScalar.Kind =
            switch tag {
            case nil: scalar.plain_implicit == 0 ? .text : .implicit
            case "tag:yaml.org,2002:binary": .binary
            case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool",
                "tag:yaml.org,2002:null":
                .implicit
            default: .text
            }
        return .scalar(
            YAMLScalar(text: text, kind: kind),
            isMergeKey: text == "<<" && (kind == .implicit || tag == "tag:yaml.org,2002:merge"),
            anchor: string(scalar.anchor)
        )
    }

    private func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> YAMLError {
        guard parser.pointee.error != YAML_MEMORY_ERROR else { return YAMLError(message: "out of memory") }
        var message = parser.pointee.problem.map { String(cString: $0) } ?? "not well-formed YAML"
        if let context = parser.pointee.context { message = "\(message) \(String(cString: context))" }
        // A reader error has only a byte offset and no mark.
        let mark =
            parser.pointee.error == YAML_READER_ERROR
            ? mark(atOffset: parser.pointee.problem_offset) : YAMLMark(parser.pointee.problem_mark)
        return YAMLError(message: message, mark: mark)
    }

    private func mark(atOffset offset: Int) -> YAMLMark {
        var mark = YAMLMark(line: 1, column: 1)
        for byte in text.dropFirst(skipped).prefix(max(offset, 0)) {
            if byte == UInt8(ascii: "\n") {
                mark = YAMLMark(line: mark.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                mark.column += 1
            }
        }
        return mark
    }
}

extension YAMLMark {
    /// libyaml counts from 0.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(clamping: mark.line) &+ 1, column: Int(clamping: mark.column) &+ 1)
    }
}
