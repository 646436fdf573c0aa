import Testing

@testable import Configuration

/// The addresses at which HTTP shows single clients and channels.
@Suite struct HTTPDetailsTests {
    private func areTold(_ details: HTTPDetails, at address: String) throws -> Bool {
        details.areTold(at: try parseHTTPAddress(address))
    }

    @Test(arguments: ["unix:/run/http", "127.0.0.1:80", "127.8.9.1:80", "localhost:80", "[::1]:80"])
    func onlyThisHostReachesIt(address: String) throws {
        #expect(try areTold(.local, at: address) && areTold(.anywhere, at: address))
        #expect(try !areTold(.nowhere, at: address))
    }

    @Test(arguments: ["0.0.0.0:80", "10.0.0.7:80", "12.7.0.1:80", "[::]:80", "[fe80::1]:80", "[127::1]:80"])
    func othersReachIt(address: String) throws {
        #expect(try !areTold(.local, at: address) && areTold(.anywhere, at: address))
        #expect(try !areTold(.nowhere, at: address))
    }
}
