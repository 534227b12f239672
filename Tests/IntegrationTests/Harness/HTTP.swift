import Foundation

/// An HTTP answer.
struct HTTPAnswer {
    var status: Int
    /// By lower-case name.
    var headers: [String: String]
    var body: String

    /// Asks over a connection of its own.
    static func get(
        _ path: String,
        at endpoint: Endpoint,
        method: String = "GET",
        within duration: Duration = Deadline.patience
    ) throws -> HTTPAnswer {
        let client = try Client(endpoint)
        try client.send("\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        let text = String(decoding: try client.readToEnd(within: duration), as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else {
            throw MalformedAnswer(text: text)
        }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw MalformedAnswer(text: text)
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = pair.count == 2 ? pair[1].trimmingCharacters(in: .whitespaces) : ""
        }
        return HTTPAnswer(status: status, headers: headers, body: String(text[end.upperBound...]))
    }
}

struct MalformedAnswer: Error {
    var text: String
}
