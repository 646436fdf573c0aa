import Testing

@testable import RelayCore

/// The fields of `bytes`, or the reason why they cannot be read.
private func read(_ bytes: [UInt8]) -> Result<[String], WireError> {
    lending(bytes) { bytes in
        var reader = WireReader(bytes)
        var fields: [String] = []
        do throws(WireError) {
            while let field = try reader.next() {
                switch field.value {
                case .varint(let value): fields.append("\(field.number): \(value)")
                case .bytes(let bytes): fields.append("\(field.number): \(Array(bytes))")
                case .fixed: fields.append("\(field.number): fixed")
                }
            }
        } catch { return .failure(error) }
        return .success(fields)
    }
}

/// `value` as a varint of `length` bytes, of which the last ones add nothing.
private func padded(_ value: UInt8, to length: Int) -> [UInt8] {
    [value | 128] + [UInt8](repeating: 128, count: length - 2) + [0]
}

@Suite struct WireReaderTests {
    @Test func readsEveryWireType() {
        let bytes: [UInt8] = [
            8, 150, 1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1A, 2, 7, 8, 0x25, 1, 2, 3, 4, 0x2A, 0,
        ]
        #expect(read(bytes) == .success(["1: 150", "2: fixed", "3: [7, 8]", "4: fixed", "5: []"]))
    }

    @Test func emptyMessageHasNoFields() { #expect(read([]) == .success([])) }

    @Test func everyTruncationIsTruncated() {
        let fields: [[UInt8]] = [
            [8, 150, 1], [0x11, 1, 2, 3, 4, 5, 6, 7, 8], [0x1A, 2, 7, 8], [0x25, 1, 2, 3, 4],
            [0xA2, 6, 3, 1, 2, 3], [8] + padded(1, to: 10),
        ]
        for field in fields {
            for length in 1..<field.count {
                #expect(read(Array(field[..<length])) == .failure(.truncated), "\(field) cut at \(length)")
            }
        }
    }

    @Test func nonMinimalVarintsAreTakenUpToTenBytes() {
        for length in 2...10 {
            #expect(read([8] + padded(5, to: length)) == .success(["1: 5"]))
            #expect(read(padded(8, to: length) + [5]) == .success(["1: 5"]), "a tag of \(length) bytes")
            #expect(read([0x0A] + padded(1, to: length) + [9]) == .success(["1: [9]"]))
        }
        #expect(read([8] + padded(5, to: 11)) == .failure(.varintTooLong))
        #expect(read([UInt8](repeating: 128, count: 20)) == .failure(.varintTooLong))
    }

    @Test func bitsBeyond64AreDropped() {
        #expect(read([8] + [UInt8](repeating: 255, count: 9) + [1]) == .success(["1: \(UInt64.max)"]))
        #expect(read([8] + [UInt8](repeating: 255, count: 9) + [127]) == .success(["1: \(UInt64.max)"]))
    }

    @Test func fieldNumbersReachFrom1To2ToThe29() {
        #expect(read([0, 1]) == .failure(.badFieldNumber))
        #expect(read([5, 1, 2, 3, 4]) == .failure(.badFieldNumber))
        #expect(read([0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 1]) == .success(["\(1 << 29 - 1): 1"]))
        #expect(read([0x80, 0x80, 0x80, 0x80, 0x10, 1]) == .failure(.badFieldNumber))
        #expect(read([UInt8](repeating: 255, count: 9) + [1]) == .failure(.badFieldNumber))
    }

    @Test func groupsAndUndefinedWireTypesAreRefused() {
        for wireType in [3, 4, 6, 7] as [UInt8] {
            #expect(read([8 | wireType, 8 | 4]) == .failure(.badWireType))
        }
    }

    @Test func aLengthBeyondTheMessageIsTruncatedHoweverLarge() {
        #expect(read([0x0A, 3, 1, 2]) == .failure(.truncated))
        #expect(read([0x0A] + [UInt8](repeating: 255, count: 9) + [1, 0]) == .failure(.truncated))
        let half: [UInt8] = [255, 255, 255, 255, 255, 255, 255, 255, 127]  // Int.max
        #expect(read([0x0A] + half + [0]) == .failure(.truncated))
    }
}

@Suite struct WireWriterTests {
    /// What `write` writes into an allocation of exactly `size` bytes.
    private func written(_ size: Int, _ write: (inout WireWriter) -> Void) -> [UInt8] {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        defer { memory.deallocate() }
        var writer = WireWriter(memory)
        write(&writer)
        return Array(UnsafeBufferPointer(start: memory, count: writer.position - memory))
    }

    @Test func sizesAreWhatIsWritten() {
        for shift in 0..<64 {
            for value in [1 << shift, 1 << shift - 1, 1 << shift + 1, UInt64.max >> shift] as [UInt64] {
                let size = WireWriter.size(ofVarint: value)
                let bytes = written(size) { $0.varint(value) }
                #expect(bytes.count == size, "\(value)")
                #expect(read([8] + bytes) == .success(["1: \(value)"]))
                let field = written(WireWriter.size(ofField: value)) { $0.field(1, value) }
                #expect(field.count == WireWriter.size(ofField: value))
            }
        }
    }

    @Test func defaultsAreLeftOut() {
        #expect(written(0) { $0.field(1, 0 as UInt64) }.isEmpty)
        #expect(written(0) { $0.field(1, false) }.isEmpty)
        #expect(written(0) { $0.field(1, "") }.isEmpty)
        #expect(written(0) { $0.field(1, UnsafeRawBufferPointer(start: nil, count: 0)) }.isEmpty)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(written(2) { $0.field(1, empty, always: true) } == [0x0A, 0])
        #expect(WireWriter.size(ofText: "") == 0)
    }

    @Test func decimalsAreWhatSwiftWrites() {
        var random = SeededGenerator(seed: 1)
        var values: [UInt64] = [0, 9, 10, 11, 99, 100, 101, .max, .max - 1]
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            values += [power - 1, power, power + 1]
        }
        for value in values + (0..<1000).map({ _ in random.number() }) {
            #expect(String(decoding: written(20) { $0.decimal(value) }, as: UTF8.self) == String(value))
        }
    }

    @Test func frameLengthIsFourBytesBigEndian() {
        #expect(written(4) { $0.frameLength(0x0102_0304) } == [1, 2, 3, 4])
    }
}
