internal import Configuration

/// The relay that answers at an HTTP address, as its /health describes it. If a host has two relays, it may be the
/// wrong one.
struct AnsweringRelay {
    private let listen: HTTPListen
    private var socketPath: String?
    private var relayID: String?
    private var prefix = ""
    private var pid = ""

    /// - Parameter health: the answer to /health. If another program has answered, nothing is known of the relay.
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

    /// Makes sure that this relay serves a socket. If it names another path for the socket, for example because a
    /// folder is mounted elsewhere, the relay at the socket is asked for its id.
    ///
    /// - Parameter timeout: nanoseconds for each answer.
    /// - Throws: ``CommandFailure`` when another relay serves the socket, or that cannot be found out.
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
