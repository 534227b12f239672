import CLibYAML
import Text

/// libyaml's emitter, fed from a ``YAMLTree``.
struct YAMLEventWriter: ~Copyable {
    private final class Sink {
        var bytes: [UInt8] = []
    }

    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    private let sink = Sink()

    init() throws(YAMLError) {
        emitter = .allocate(capacity: 1)
        guard yaml_emitter_initialize(emitter) == 1 else {
            emitter.deallocate()
            throw YAMLError(message: "out of memory")
        }
        yaml_emitter_set_encoding(emitter, YAML_UTF8_ENCODING)
        yaml_emitter_set_unicode(emitter, 1)
        // No folding: long values stay on their line.
        yaml_emitter_set_width(emitter, -1)
        yaml_emitter_set_output(
            emitter,
            { context, buffer, size in
                guard let context, let buffer else { return 0 }
                let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
                sink.bytes.append(contentsOf: UnsafeBufferPointer(start: buffer, count: size))
                return 1
            },
            Unmanaged.passUnretained(sink).toOpaque()
        )
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    var text: String { String(decoding: sink.bytes, as: UTF8.self) }

    mutating func document(_ tree: YAMLTree) throws(YAMLError) {
        try emit { yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
        try emit { yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
        try node(tree)
        try emit { yaml_document_end_event_initialize(&$0, 1) }
        try emit { yaml_stream_end_event_initialize(&$0) }
    }

    private mutating func node(_ tree: YAMLTree) throws(YAMLError) {
        switch tree {
        case .text(let text): try scalar(text, style: Self.style(of: text))
        case .integer(let number): try scalar(String(number), style: YAML_PLAIN_SCALAR_STYLE)
        case .bool(let flag): try scalar(flag ? "true" : "false", style: YAML_PLAIN_SCALAR_STYLE)
        case .binary(let bytes): try scalar(Base64.encode(bytes), tag: "tag:yaml.org,2002:binary")
        case .sequence(let items):
            let style = items.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
            try emit { yaml_sequence_start_event_initialize(&$0, nil, nil, 1, style) }
            for item in items { try node(item) }
            try emit { yaml_sequence_end_event_initialize(&$0) }
        case .mapping(let entries):
            let style = entries.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
            try emit { yaml_mapping_start_event_initialize(&$0, nil, nil, 1, style) }
            for entry in entries {
                try scalar(entry.key, style: Self.style(of: entry.key))
                try node(entry.value)
            }
            try emit { yaml_mapping_end_event_initialize(&$0) }
        }
    }

    /// Plain only if every reader takes the text as such; libyaml itself quotes texts that cannot be plain scalars.
    private static func style(of text: String) -> yaml_scalar_style_t {
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0.value > 0x7E }) {
            return YAML_DOUBLE_QUOTED_SCALAR_STYLE
        }
        guard case .text = YAMLScalar.resolve(text), text != "<<" else { return YAML_DOUBLE_QUOTED_SCALAR_STYLE }
        if ["y", "n", "yes", "no", "on", "off"].contains(text.lowercased()) { return YAML_DOUBLE_QUOTED_SCALAR_STYLE }
        // Dates, times and sexagesimal numbers of YAML 1.1: digits and their separators.
        let isNumeric = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.:_TtZz ".utf8.contains($0) }
        return isNumeric ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE
    }

    private mutating func scalar(
        _ text: String,
        tag: String? = nil,
        style: yaml_scalar_style_t = YAML_PLAIN_SCALAR_STYLE
    ) throws(YAMLError) {
        let bytes = Array(text.utf8)
        let tagBytes = tag.map { Array($0.utf8) + [0] }
        let implicit: Int32 = tag == nil ? 1 : 0
        try emit { event in
            bytes.withUnsafeBufferPointer { value in
                guard let tagBytes else {
                    return Self.initialize(&event, nil, value, implicit, style)
                }
                return tagBytes.withUnsafeBufferPointer {
                    Self.initialize(&event, $0.baseAddress, value, implicit, style)
                }
            }
        }
    }

    private static func initialize(
        _ event: inout yaml_event_t,
        _ tag: UnsafePointer<yaml_char_t>?,
        _ value: UnsafeBufferPointer<UInt8>,
        _ implicit: Int32,
        _ style: yaml_scalar_style_t
    ) -> Int32 {
        guard let length = Int32(exactly: value.count) else { return 0 }
        return yaml_scalar_event_initialize(&event, nil, tag, value.baseAddress, length, implicit, implicit, style)
    }

    private mutating func emit(_ initialize: (inout yaml_event_t) -> Int32) throws(YAMLError) {
        var event = yaml_event_t()
        guard initialize(&event) == 1 else { throw YAMLError(message: "out of memory") }
        // The emitter owns the event from here on, even if it fails.
        guard yaml_emitter_emit(emitter, &event) == 1 else {
            throw YAMLError(message: emitter.pointee.problem.map { String(cString: $0) } ?? "cannot be written")
        }
    }
}
