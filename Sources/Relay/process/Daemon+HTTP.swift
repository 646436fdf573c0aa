internal import Configuration
internal import EventLoop
internal import Logging
internal import RelayCore

extension Daemon {
    /// Opens the HTTP server. The relay that this one takes over from may still hold the address: it serves until its
    /// connections have closed. Then this relay retries for as long as a relay may take to stop.
    func listenForHTTP() throws {
        do { admin = try AdminEndpoint(daemon: self) } catch {
            guard AdminEndpoint.isInUse(error), AdminEndpoint.isHeldByStoppingRelay(configuration.http) else {
                throw error
            }
            waitForHTTP()
        }
    }

    /// Retries until the stopping relay has released the address.
    func waitForHTTP() {
        logger.notice("HTTP waits for the relay that is stopping", metadata: ["address": "\(configuration.http)"])
        httpDeadline = Deadline(after: configuration.timings.stopTimeout + 1_000_000_000, from: now)
        let timer = Timer(loop: loop) { [unowned self] in listenForHTTPAgain() }
        timer.start(after: 200_000_000, every: 200_000_000)
        httpRetry = timer
    }

    private func listenForHTTPAgain() {
        noticeLag()
        do {
            admin = try AdminEndpoint(daemon: self)
            logger.notice("HTTP is served now", metadata: ["http": "\(admin?.address ?? "off")"])
        } catch {
            if AdminEndpoint.isInUse(error), httpDeadline?.isOver(now: now) == false { return }
            // Apps are connected by now, so this stop is as orderly as any other.
            logger.critical("\(error)")
            exitCode = 1
            if !isStopping { stopRequested(by: "no HTTP") }
        }
        httpRetry?.close()
        httpRetry = nil
    }
}
