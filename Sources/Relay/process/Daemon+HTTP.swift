internal import Configuration
internal import EventLoop
internal import Logging
internal import RelayCore

extension Daemon {
    /// Opens the HTTP side. Its address may still be with the relay that this one takes over from, which serves until
    /// its connections have closed: then it is tried again for as long as a relay may take to stop.
    func listenForHTTP() throws {
        do { admin = try AdminEndpoint(daemon: self) } catch {
            guard AdminEndpoint.isInUse(error), AdminEndpoint.isHeldByStoppingRelay(configuration.http) else {
                throw error
            }
            waitForHTTP()
        }
    }

    /// Tries until the relay that is stopping has left the address.
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
            // Apps are connected by now: they are told and served like at any other stop.
            logger.critical("\(error)")
            exitCode = 1
            if !isStopping { stopRequested(by: "no HTTP") }
        }
        httpRetry?.close()
        httpRetry = nil
    }
}
