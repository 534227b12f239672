extension String {
    /// The text with line ends and other control characters escaped, so that text of a file or a worker can
    /// neither forge a second line of output nor command a terminal.
    ///
    /// - Parameter keepsTabs: Whether tabs are left unescaped.
    package func singleLine(keepsTabs: Bool = false) -> String {
        guard self.unicodeScalars.contains(where: { $0.breaksLine && !(keepsTabs && $0 == "\t") }) else {
            return self
        }
        var text = ""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += keepsTabs ? "\t" : "\\t"
            case _ where scalar.breaksLine: text += scalar.escaped
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Whether a terminal or a log reader may treat the scalar as more than a character of the line.
    fileprivate var breaksLine: Bool {
        self.value < 0x20 || (0x7F...0x9F).contains(self.value) || self.value == 0x2028 || self.value == 0x2029
    }

    /// `\x1b`, or `\u2028` beyond a byte.
    fileprivate var escaped: String {
        let digits = String(self.value, radix: 16)
        return self.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u" + digits
    }
}
