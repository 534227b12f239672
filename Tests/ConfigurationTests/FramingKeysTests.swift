import Configuration
import Testing

@testable import Application

/// The keys of `framing`.
@Suite struct FramingKeysTests {
    @Test func everyExampleOfTheGuideLoads() throws {
        let text = """
            version: '3'
            server: {command: php}
            tcp:
              servers:
                watch: {addr: ':1', framing: split, delimiters: ["#\\r\\n", "#"]}
                hl7: {addr: ':2', framing: split, delimiter: "\\x1C\\r", start: "\\x0B"}
                pos: {addr: ':3', framing: split, delimiter: "\\x03", trailer: 1}
                modbus: {addr: ':4', framing: length, length: {offset: 4, size: 2, add: 6}}
                smpp: {addr: ':5', framing: length, length: {size: 4, add: 0}}
                iso: {addr: ':6', framing: length, length: {type: decimal, size: 4}}
                mqtt: {addr: ':7', framing: length, length: {type: varint, offset: 1}}
                card: {addr: ':8', framing: fixed, size: 160}
                any: {addr: ':9', framing: raw}
                net: {addr: ':10', framing: length, length: {type: decimal, until: ":", add: 2}}
                mysql: {addr: ':11', framing: length, length: {size: 3, order: little, add: 4}}
                gt06:
                  addr: ':12'
                  framing: rules
                  rules:
                    - {starts: "\\x78\\x78", length: {offset: 2, size: 1, add: 5}}
                    - {starts: "\\x79\\x79", length: {offset: 2, size: 2, add: 6}}
                    - {starts: !!binary /w==, size: 1}
                    - {starts: "*", delimiters: ["#", ";"], trailer: 2}
                    - {starts: "", delimiter: ","}
            """
        let loaded = try load(text)
        #expect(loaded.warnings.isEmpty)
        let servers = Dictionary(uniqueKeysWithValues: loaded.settings.tcp.servers.map { ($0.name, $0) })
        #expect(servers["watch"]?.delimiters == [Array("#\r\n".utf8), Array("#".utf8)])
        #expect(servers["hl7"]?.start == [0x0B])
        #expect(servers["pos"]?.trailer == 1)
        #expect(servers["modbus"]?.length == LengthSettings(size: 2, offset: 4, add: 6))
        #expect(servers["net"]?.length == LengthSettings(type: .decimal, until: [0x3A], add: 2))
        #expect(servers["mysql"]?.length?.order == .little)
        #expect(servers["card"]?.size == 160)
        #expect(
            servers["gt06"]?.rules == [
                StartRuleSettings(starts: [0x78, 0x78], length: LengthSettings(size: 1, offset: 2, add: 5)),
                StartRuleSettings(starts: [0x79, 0x79], length: LengthSettings(size: 2, offset: 2, add: 6)),
                StartRuleSettings(starts: [0xFF], size: 1),
                StartRuleSettings(starts: [0x2A], delimiters: [[0x23], [0x3B]], trailer: 2),
                StartRuleSettings(starts: [], delimiter: [0x2C]),
            ])
        // What `rr check` prints loads again.
        let again = try load(loaded.yaml())
        #expect(again.settings == loaded.settings)
        #expect(again.warnings.isEmpty)
    }

    @Test(
        "One line names file, line, key and what is right",
        arguments: [
            ("framing: length", "length", "add it"),
            ("framing: length, length: {}", "length.size", "use 1, 2, 3, 4 or 8"),
            ("framing: length, length: {size: 5}", "length.size", "use 1, 2, 3, 4 or 8"),
            ("framing: length, length: {size: 0}", "length.size", "use 1...20"),
            ("framing: length, length: {size: 2, add: -1}", "length.add", "use 0"),
            ("framing: length, length: {size: 2, offset: 70000}", "length.offset", "use 0...65535"),
            ("framing: length, length: {size: 2}, delimiter: \"\\r\\n\"", "delimiter", "remove it"),
            ("framing: length, length: {size: 2, until: ':'}", "length.until", "remove it"),
            ("framing: length, length: {type: hex, size: 17}", "length.size", "use 1...16"),
            ("framing: length, length: {type: decimal}", "length.size", "until"),
            ("framing: length, length: {type: decimal, size: 4, order: big}", "length.order", "remove it"),
            ("framing: length, length: {type: decimal, size: 4, until: ':'}", "length.until", "remove one"),
            ("framing: length, length: {type: decimal, until: '::'}", "length.until", "use 1"),
            ("framing: length, length: {type: varint, size: 4}", "length.size", "remove it"),
            ("framing: length, length: {type: octal}", "length.type", "use one of binary, decimal, hex, varint"),
            ("framing: length, length: {size: 2, order: middle}", "length.order", "use one of big, little"),
            ("framing: length, length: 4", "length", "section"),
            ("length: {size: 2}", "length", "use `framing: length`"),
            ("framing: fixed", "size", "add it"),
            ("framing: fixed, size: ''", "size", "add it"),
            ("framing: fixed, size: 0", "size", "use 1"),
            ("framing: fixed, size: 5, max_packet_size: 4B", "size", "use at most 4"),
            ("framing: raw, delimiter: x", "delimiter", "use `framing: merge` or `framing: split`"),
            ("start: x", "start", "use `framing: split`"),
            ("framing: split, start: ''", "start", "use 1...64"),
            ("framing: split, trailer: 0", "trailer", "use 1...1024"),
            ("framing: split, delimiters: []", "delimiters", "use 1...32"),
            ("framing: split, delimiters: ['']", "delimiters", "use 1...255"),
            ("framing: split, delimiters: 'a,,b'", "delimiters", "use 1...255"),
            ("framing: split, delimiters: {a: b}", "delimiters", "list"),
            ("framing: split, delimiters: [a], delimiter: b", "delimiters", "remove one"),
            ("framing: rules", "rules", "add it"),
            ("framing: rules, rules: []", "rules", "add one"),
            ("framing: rules, rules: [x]", "rules.0", "section"),
            ("framing: rules, rules: {a: {starts: x, size: 1}}", "rules", "write a list"),
            ("framing: rules, rules: [{size: 1}]", "rules.0", "any packet"),
            ("framing: rules, rules: [{starts: x, size: 1}, {size: 2}]", "rules.1", "any packet"),
            ("framing: rules, rules: [{starts: x}]", "rules.0", "add one"),
            ("framing: rules, rules: [{starts: x, size: 1, delimiter: y}]", "rules.0", "remove the others"),
            ("framing: rules, rules: [{starts: xyz, size: 1}]", "rules.0.size", "use 3 or more"),
            ("framing: rules, rules: [{starts: x, size: 9}], max_packet_size: 8B", "rules.0.size", "use at most 8"),
            ("framing: rules, rules: [{starts: x, size: 1, trailer: 1}]", "rules.0.trailer", "remove it"),
            ("framing: rules, rules: [{starts: x, length: {size: 5}}]", "rules.0.length.size", "use 1, 2, 3, 4 or 8"),
            ("framing: rules, rules: [{starts: x, size: 1}, {starts: xy, size: 2}]", "rules.1.starts", "before it"),
        ] as [(String, String, String)]
    )
    func errors(keys: String, key: String, fix: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try loadServer("addr: ':1', \(keys)") }
        #expect(error.key?.hasPrefix("tcp.servers.main.\(key)") == true, "\(error)")
        #expect(error.line == 3, "\(error)")
        #expect("\(error)".contains(fix), "\(error)")
    }

    @Test func variablesAndOptionsReachEveryLeaf() throws {
        let text = """
            version: '3'
            server: {command: php}
            tcp:
              servers:
                a: {addr: ':1', framing: length, length: {size: 2}}
                b: {addr: ':2', framing: rules, rules: [{starts: x, length: {size: 1}}, {starts: y, size: 3}]}
                c: {addr: ':3', framing: split, start: x}
            """
        let loaded = try load(
            text,
            environment: [
                "RR_TCP_SERVERS_A_LENGTH_SIZE": "4", "RR_TCP_SERVERS_A_LENGTH_ORDER": "little",
                "RR_TCP_SERVERS_B_RULES_0_LENGTH_OFFSET": "7", "RR_TCP_SERVERS_C_DELIMITERS": "\r\n,\n",
                "RR_TCP_SERVERS_C_TRAILER": "2",
            ],
            overrides: [
                "tcp.servers.b.rules.1.size=9", "tcp.servers.b.rules.2.starts=z", "tcp.servers.b.rules.2.size=5",
            ]
        )
        #expect(loaded.warnings.isEmpty, "\(loaded.warnings)")
        let servers = loaded.settings.tcp.servers
        #expect(servers[0].length == LengthSettings(size: 4, order: .little))
        #expect(servers[1].rules.map(\.size) == [nil, 9, 5])
        #expect(servers[1].rules[0].length?.offset == 7)
        #expect(servers[2].delimiters == [[13, 10], [10]])
        #expect(servers[2].trailer == 2)
    }

    @Test func moreThanTenRulesStayInOrder() throws {
        let rules = (0..<12).map {
            "{starts: '\(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"][$0])', size: \($0 + 1)}"
        }
        let (server, loaded) = try loadServer("addr: ':1', framing: rules, rules: [\(rules.joined(separator: ", "))]")
        #expect(server.rules.map(\.size) == Array(1...12))
        #expect(try load(loaded.yaml()).settings == loaded.settings)
    }

    @Test func mistypedKeysOfARuleAreReported() throws {
        let (_, loaded) = try loadServer("addr: ':1', framing: rules, rules: [{starts: x, size: 1, trailr: 2}]")
        #expect(loaded.warnings.map { "\($0)" }.contains { $0.contains("rules.0.trailr") && $0.contains("`trailer`") })
    }
}
