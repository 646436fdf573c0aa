internal import Configuration

/// The relay that answers at an HTTP address, as its /health says. Where a host has two relays, it may be the other one.
struct AnsweringRelay {
    private let listen: HTTPListen
    private var socketPath: String?
    private var relayID: String?
    private var prefix = ""
    private var pid = ""

    /// - Parameter health: the body of its /health; whatever else answers says nothing of itself.
    init(_ health: HTTPResponse, at listen: HTTPListen) {
        self.listen = listen
        let fields = (try? JSONFields.parse(String(decoding: health.body, as: UTF8.self))) ?? []
        for field in fields {
            switch field.path {
            case "socket.path": socketPath = field.value
            case "relay_id": relayID = field.value
            case "prefix": prefix = field.value
            case "pid": pid = field.value
            default: continue
            }
        }
    }

    /// Makes sure that it is the relay which serves a socket. Where its own path for that is another one, as when a
    /// folder is mounted elsewhere, the relay at the socket is asked who it is.
    ///
    /// - Parameter timeout: nanoseconds for each answer.
    /// - Throws: ``CommandFailure`` when it is another one, or that cannot be found out.
    func expectSocket(_ path: String, timeout: UInt64) throws(CommandFailure) {
        guard let socketPath, let relayID else {
            throw .failed(
                "the server at \(listen) does not say which socket it serves: it is not a hubrelay, or an old version")
        }
        if socketPath == path { return }
        var reason = ""
        do throws(CommandFailure) {
            let client = try RelayClient.connect(path: path, name: "hubrelay health", timeout: timeout)
            if client.welcome.relayID == relayID { return }
        } catch {
            reason = ", and \(path) does not answer (\(error.lines.joined(separator: "; ")))"
        }
        throw .failed(
            "the relay at \(listen) serves another socket: \(quoted(socketPath)), with prefix "
                + "\(quoted(prefix)) and pid \(escaped(pid, quotes: false)), not \(quoted(path))\(reason); use --http "
                + "or HUBRELAY_HTTP for another address")
    }
}
