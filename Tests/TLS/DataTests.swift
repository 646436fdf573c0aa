import TLS
import TestSupport
import Testing

/// What is sent and received after the handshake, with a real Redis at the other end.
@Suite struct DataTests {
    private let ca: TestCA
    private let server: RedisServer

    init() throws {
        ca = try TestCA()
        server = try RedisServer(tls: ca.server())
    }

    /// Takes seconds: two megabytes both ways, in pieces of many odd sizes, which a debug build copies byte by byte.
    @Test(arguments: [TLSContext.Version.v12, .v13], [1_000, 65_536])
    func megabytesGoBothWaysInOddPieces(_ version: TLSContext.Version, _ piece: Int) throws {
        let client = try TLSClient.connected(server, .trusting(ca, version: version), piece: piece)
        let value = noise(2_000_000)
        let command = Array("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$\(value.count)\r\n".utf8) + value + Array("\r\n".utf8)
        // These sizes meet the borders of records in every way.
        let sizes = [1, 16_383, 16_384, 16_385, 99_999, 400_000]
        var (start, turn) = (0, 0)
        while start < command.count {
            let end = min(start + sizes[turn % sizes.count], command.count)
            try client.send(Array(command[start..<end]))
            (start, turn) = (end, turn + 1)
        }
        #expect(try client.read(5) == Array("+OK\r\n".utf8))
        try client.send("GET a\r\n")
        let header = Array("$\(value.count)\r\n".utf8)
        #expect(try client.read(header.count) == header)
        let isSame = try client.read(value.count) == value
        #expect(isSame)
    }

    @Test func manySmallRecordsAreHandedOverTogether() throws {
        let client = try TLSClient.connected(server, .trusting(ca, version: .v12))
        // If the commands come one by one, Redis answers each with a record of its own.
        var records: [UInt8] = []
        for _ in 0..<20 {
            try client.send("PING\r\n")
            records += try client.nextRecords()
        }
        #expect(appRecords(in: records).count == 20)
        var calls = 0
        try records.withUnsafeBytes { try client.session.receive($0) { _ in calls += 1 } }
        #expect(calls == 1)
    }

    @Test(arguments: [1, 16_384, 16_385, 100_000, 400_000])
    func aBatchHasAsFewRecordsAsThereCanBe(_ count: Int) throws {
        let client = try TLSClient.connected(server, .trusting(ca))
        let output = try encrypted([UInt8](repeating: 0x20, count: count), by: client.session)
        let records = appRecords(in: output)
        #expect(records.count == (count + 16_383) / 16_384)
        #expect(records.dropLast().allSatisfy { $0 > 16_384 })
    }

    @Test func outputIsLentOnceAndForgotten() throws {
        let client = try TLSClient.connected(server, .trusting(ca))
        #expect(!client.session.hasOutput)
        #expect(try !encrypted([1, 2, 3], by: client.session).isEmpty)
        #expect(!client.session.hasOutput)
        client.session.takeOutput { _ in
            Issue.record("nothing is there to be taken")
            return 0
        }
    }

    @Test func plaintextThatNeverLeftIsToldAsLongAsItHasNot() throws {
        let session = try TLSClient.connected(server, .trusting(ca)).session
        #expect(session.recordsUnsent == 0)
        var total = 0
        for _ in 0..<3 {
            try [UInt8](repeating: 0x20, count: 20_000).withUnsafeBytes { try session.send($0) }
            session.takeOutput {
                total += $0.count
                return total
            }
        }
        #expect(session.recordsUnsent == 6)
        #expect(session.unsentPlaintext(ofUnsentCiphertext: total) == 60_000)
        // A part of the first record has left, so its plaintext is not counted.
        #expect(session.unsentPlaintext(ofUnsentCiphertext: total - 1) == 60_000 - 16_384)
        // Plaintext whose records have not been taken has not left either.
        try [UInt8](repeating: 0x20, count: 7).withUnsafeBytes { try session.send($0) }
        #expect(session.unsentPlaintext(ofUnsentCiphertext: 0) == 7)
        session.outputLeft(allBut: 0)
        #expect(session.recordsUnsent == 1)
        session.takeOutput { _ in 0 }
        #expect(session.recordsUnsent == 0)
    }

    private func encrypted(_ bytes: [UInt8], by session: TLSSession) throws -> [UInt8] {
        try bytes.withUnsafeBytes { try session.send($0) }
        var output: [UInt8] = []
        session.takeOutput {
            output += $0
            return 0
        }
        return output
    }
}

/// Bytes without a pattern, but always the same.
private func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 42
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
