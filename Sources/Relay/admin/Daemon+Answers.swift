internal import AdminHTTP
internal import Posix
internal import RelayCore

extension Daemon {
    /// The relay that HTTP reports on. So far there is one.
    private var relay: Relay { relays[0] }

    /// The answer to one request, by its path.
    func answer(_ request: AdminRequest) -> AdminResponse {
        let unreachable = relays.lazy.compactMap(\.unreachable).first
        switch request.path {
        case "/health":
            let snapshot = snapshot(of: relay, withStats: false)
            return AdminResponse(
                status: snapshot.isHealthy ? 200 : 503, contentType: "application/json",
                body: Array(snapshot.healthText.utf8))
        case "/livez": return plain(unreachable: unreachable, text: "live")
        case "/readyz" where isStopping: return plain(isLive: false, text: "stopping")
        case "/readyz" where request.query == "redis":
            let state = relay.path.status.state
            return plain(unreachable: unreachable, isLive: state == .up, text: state.label)
        case "/readyz": return plain(unreachable: unreachable, text: "ready")
        case "/metrics":
            return AdminResponse(
                status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
                body: Array(snapshot(of: relay, withStats: true).metricsText.utf8))
        case "/connections", "/channels", "/fleet": return listing(request, of: relay)
        case "/history":
            return AdminResponse(
                status: 200, contentType: "application/json", body: Array(relay.history.text.utf8))
        case "/": return page
        default: return AdminResponse(status: 404, body: Array("not found\n".utf8))
        }
    }

    private var page: AdminResponse {
        let nonce = SystemRandom.hexID()
        return AdminResponse(
            status: 200, contentType: "text/html; charset=utf-8", body: Array(StatusPage.html(nonce: nonce).utf8),
            headers: StatusPage.headers(nonce: nonce))
    }

    /// A relay that no app can connect to is neither alive nor ready: another relay may do better.
    private func plain(unreachable: String?, isLive: Bool = true, text: String) -> AdminResponse {
        if let unreachable { return plain(isLive: false, text: unreachable) }
        return plain(isLive: isLive, text: text)
    }

    private func plain(isLive: Bool, text: String) -> AdminResponse {
        AdminResponse(status: isLive ? 200 : 503, body: Array("\(text)\n".utf8))
    }
}
