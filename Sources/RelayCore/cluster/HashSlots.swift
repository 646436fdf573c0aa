/// Which of a cluster's hash slots a channel is in: CRC16 (XMODEM) of its whole name, prefix included, or of its hash
/// tag, modulo 16,384 (Redis Cluster specification, "Key distribution model" and "Hash tags").
///
/// Every publish passes here, so nothing is allocated, and prefix and name are not joined. Eight tables process eight
/// bytes at a time. For names of 40 bytes and more this is 4 to 5 times as fast as one table.
package final class HashSlots {
    /// How many slots every cluster has.
    package static let count = 16_384

    /// The slot of every name, if the prefix itself contains a complete hash tag that is not empty; nil otherwise.
    package let fixed: UInt16?

    /// What the prefix says about a hash tag. Only the first `{` counts, and the first `}` after it.
    private enum Tag {
        /// The prefix has no `{`: there may be a hash tag in the name.
        case none
        /// The prefix contains a complete hash tag. If it is empty, the whole channel counts, whatever the name
        /// contains. If not, the slot is `fixed`.
        case closed
        /// A hash tag begins in the prefix, and ends in the name if that has a `}`.
        case open(isEmpty: Bool)
    }
    private let tag: Tag
    /// CRC of the prefix.
    private let prefixCRC: UInt16
    /// CRC of the part of the prefix after its `{`.
    private let tagCRC: UInt16
    /// Eight tables of 256 entries: the effect of a byte on the CRC if 0 to 7 more bytes follow it.
    private let tables: UnsafeMutableBufferPointer<UInt16>

    /// - Parameter prefix: what stands before each name.
    package init(prefix: [UInt8]) {
        let tables = Self.makeTables()
        let open = prefix.firstIndex(of: Self.openBrace)
        let content = open.map { prefix[($0 + 1)...] } ?? []
        let close = content.firstIndex(of: Self.closeBrace)
        tag =
            switch (open, close) {
            case (nil, _): .none
            case (_, nil): .open(isEmpty: content.isEmpty)
            default: .closed
            }
        func crc(_ bytes: ArraySlice<UInt8>) -> UInt16 {
            bytes.withUnsafeBytes { Self.crc(of: $0, from: 0, tables) }
        }
        fixed = close.flatMap { $0 > content.startIndex ? Self.slot(crc(content[..<$0])) : nil }
        prefixCRC = crc(prefix[...])
        tagCRC = crc(content)
        self.tables = tables
    }

    deinit { tables.deallocate() }

    /// The slot of the prefix and `name` joined as they are.
    @inline(__always)
    package func slot(of name: UnsafeRawBufferPointer) -> UInt16 {
        if let fixed { return fixed }
        guard case .none = tag else { return slotBehindBrace(name) }
        var crc = prefixCRC
        var index = 0
        while index + 8 <= name.count {
            let word = Self.word(name, at: index)
            if Self.hasOpenBrace(word) { return slotOfTagged(name) }
            crc = Self.advanced(crc, by: word, tables)
            index += 8
        }
        while index < name.count {
            if name[index] == Self.openBrace { return slotOfTagged(name) }
            crc = Self.advanced(crc, by: name[index], tables)
            index += 1
        }
        return Self.slot(crc)
    }

    /// The slot if there is a `{` in the name, and none in the prefix.
    @inline(never)
    private func slotOfTagged(_ name: UnsafeRawBufferPointer) -> UInt16 {
        if let open = name.firstIndex(of: Self.openBrace) {
            let content = name[(open + 1)...]
            if let close = content.firstIndex(of: Self.closeBrace), close > content.startIndex {
                return Self.slot(Self.crc(of: UnsafeRawBufferPointer(rebasing: content[..<close]), from: 0, tables))
            }
        }
        return Self.slot(Self.crc(of: name, from: prefixCRC, tables))
    }

    /// The slot if there is a `{` in the prefix, so that one in the name means nothing.
    @inline(never)
    private func slotBehindBrace(_ name: UnsafeRawBufferPointer) -> UInt16 {
        if case .open(let isEmpty) = tag, let close = name.firstIndex(of: Self.closeBrace), close > 0 || !isEmpty {
            return Self.slot(Self.crc(of: UnsafeRawBufferPointer(rebasing: name[..<close]), from: tagCRC, tables))
        }
        return Self.slot(Self.crc(of: name, from: prefixCRC, tables))
    }
}

// MARK: - CRC16

extension HashSlots {
    private static let openBrace = UInt8(ascii: "{")
    private static let closeBrace = UInt8(ascii: "}")

    @inline(__always)
    private static func slot(_ crc: UInt16) -> UInt16 { crc & UInt16(count - 1) }

    /// The polynomial x^16 + x^12 + x^5 + 1, the highest bit first, as XMODEM has it.
    private static func makeTables() -> UnsafeMutableBufferPointer<UInt16> {
        let tables = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
            tables.initializeElement(at: byte, to: crc)
        }
        for index in 256..<tables.count {
            let shorter = tables[index - 256]
            tables.initializeElement(at: index, to: shorter << 8 ^ tables[Int(shorter >> 8)])
        }
        return tables
    }

    private static func crc(
        of bytes: UnsafeRawBufferPointer, from start: UInt16, _ tables: UnsafeMutableBufferPointer<UInt16>
    ) -> UInt16 {
        var crc = start
        var index = 0
        while index + 8 <= bytes.count {
            crc = advanced(crc, by: word(bytes, at: index), tables)
            index += 8
        }
        while index < bytes.count {
            crc = advanced(crc, by: bytes[index], tables)
            index += 1
        }
        return crc
    }

    /// Eight bytes, the first of them in the lowest place; `index` + 8 must be at most the count.
    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, at index: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Whether one of the eight bytes is `{`: the usual test for a zero byte, after an exclusive or that makes it one.
    @inline(__always)
    private static func hasOpenBrace(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let zeroed = word ^ (ones &* UInt64(openBrace))
        return (zeroed &- ones) & ~zeroed & (ones << 7) != 0
    }

    @inline(__always)
    private static func advanced(
        _ crc: UInt16, by byte: UInt8, _ tables: UnsafeMutableBufferPointer<UInt16>
    ) -> UInt16 {
        crc << 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc >> 8) ^ byte)]
    }

    /// The CRC so far has the same effect as an exclusive or with the next two bytes, the high half first.
    @inline(__always)
    private static func advanced(
        _ crc: UInt16, by word: UInt64, _ tables: UnsafeMutableBufferPointer<UInt16>
    ) -> UInt16 {
        let bytes = word ^ UInt64(crc.byteSwapped)
        // Never outside the tables: `number` is at most 7, and a byte at most 255.
        @inline(__always)
        func entry(_ number: Int, _ shift: UInt64) -> UInt16 {
            tables[number << 8 + Int(truncatingIfNeeded: (bytes >> shift) & 0xff)]
        }
        let low = (entry(7, 0) ^ entry(6, 8)) ^ (entry(5, 16) ^ entry(4, 24))
        return low ^ ((entry(3, 32) ^ entry(2, 40)) ^ (entry(1, 48) ^ entry(0, 56)))
    }
}
