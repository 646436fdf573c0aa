import TestSupport
import Testing

/// Names of channels may be secrets: whoever asks from another host is not told of them, unless a setting says so.
@Suite(.breaksNetworks) struct ForeignRequestTests {
    private static let script = """
        import sys, urllib.error, urllib.request
        try:
            print(urllib.request.urlopen(sys.argv[1], timeout=60).status)
        except urllib.error.HTTPError as error:
            print(error.code, error.read().decode())
        """

    @Test(arguments: [("0.0.0.0", []), ("[::]", []), ("0.0.0.0", ["--http-details", "anywhere"])])
    func onlyWhoAsksOnThisHostIsToldOfSingleClients(listening: String, options: [String]) throws {
        try withNetwork(options: ["--http", "\(listening):8379"] + options) { scene, _, _ in
            func answer(_ address: String, _ path: String, to host: NetworkHost) throws -> String {
                try host.run("python3", "-c", Self.script, "http://\(address):8379\(path)")
            }
            for address in ["127.0.0.1", "10.77.1.2"] {
                #expect(try answer(address, "/channels", to: scene.relayHost).hasPrefix("200"))
            }
            #expect(try answer("10.77.1.2", "/livez", to: scene.router).hasPrefix("200"))
            for path in ["/channels", "/connections", "/fleet"] {
                let answer = try answer("10.77.1.2", path, to: scene.router)
                if options.isEmpty {
                    #expect(answer.hasPrefix("403 403: ") && answer.contains("--http-details anywhere"), "\(answer)")
                } else {
                    #expect(!answer.hasPrefix("403"), "\(answer)")
                }
            }
        }
    }
}
