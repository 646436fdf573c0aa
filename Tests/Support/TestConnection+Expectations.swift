// Each of these takes the next frame, whatever it is, and fails if the frame is of another kind. So a test that reads a
// sequence of frames with them also proves that nothing else came in between.

extension TestConnection {
    @discardableResult
    package func expectWelcome(line: UInt = #line) throws -> HubrelayWelcome {
        let frame = try next(line: line)
        if case .welcome(let welcome) = frame.frame { return welcome }
        throw unexpected(frame, "a Welcome", line)
    }

    @discardableResult
    package func expectMessage(line: UInt = #line) throws -> HubrelayMessage {
        let frame = try next(line: line)
        if case .message(let message) = frame.frame { return message }
        throw unexpected(frame, "a Message", line)
    }

    /// - Parameter id: the id that the Reply must carry.
    @discardableResult
    package func expectReply(id: UInt64, line: UInt = #line) throws -> HubrelayReply {
        let frame = try next(line: line)
        if case .reply(let reply) = frame.frame, reply.id == id { return reply }
        throw unexpected(frame, "the Reply \(id)", line)
    }

    @discardableResult
    package func expectStatus(line: UInt = #line) throws -> HubrelayStatus {
        let frame = try next(line: line)
        if case .status(let status) = frame.frame { return status }
        throw unexpected(frame, "a Status", line)
    }

    @discardableResult
    package func expectLoss(line: UInt = #line) throws -> HubrelayLoss {
        let frame = try next(line: line)
        if case .loss(let loss) = frame.frame { return loss }
        throw unexpected(frame, "a Loss", line)
    }

    @discardableResult
    package func expectRevoked(line: UInt = #line) throws -> HubrelayRevoked {
        let frame = try next(line: line)
        if case .revoked(let revoked) = frame.frame { return revoked }
        throw unexpected(frame, "a Revoked", line)
    }

    /// Takes an Error, and the end of the stream that has to follow it.
    @discardableResult
    package func expectError(
        within seconds: Double = TestDeadline.patience, line: UInt = #line
    ) throws -> HubrelayError {
        let frame = try next(within: seconds, line: line)
        guard case .error(let error) = frame.frame else { throw unexpected(frame, "an Error", line) }
        try expectEnd(line: line)
        return error
    }

    /// Takes frames up to the Status with this state, and returns all of them.
    @discardableResult
    package func collect(
        untilState state: HubrelayState, within seconds: Double = TestDeadline.patience, line: UInt = #line
    ) throws -> [HubrelayRelayFrame] {
        try collect("Status \(state)", within: seconds, line: line) { frame in
            if case .status(let status) = frame.frame { return status.state == state }
            return false
        }
    }

    private func unexpected(_ frame: HubrelayRelayFrame, _ wanted: String, _ line: UInt) -> TestFailure {
        TestFailure("line \(line): expected \(wanted), got \(frame.summary)")
    }
}

// Requests that wait for their Reply and return its outcome. Frames that come before the Reply are put aside for
// `next`.

extension TestConnection {
    package func publish(_ channel: String, _ payload: String, line: UInt = #line) throws -> HubrelayReply {
        try publish(channel, bytes: Array(payload.utf8), line: line)
    }

    package func publish(_ channel: String, bytes: [UInt8], line: UInt = #line) throws -> HubrelayReply {
        let id = newID()
        return try request(.publish(channel, bytes, id: id), id: id, line: line)
    }

    package func subscribe(
        _ channels: String..., patterns: [String] = [], line: UInt = #line
    ) throws -> HubrelayOutcome {
        let id = newID()
        return try request(.subscribe(channels, patterns: patterns, id: id), id: id, line: line).outcome
    }

    package func unsubscribe(
        _ channels: String..., patterns: [String] = [], line: UInt = #line
    ) throws -> HubrelayOutcome {
        let id = newID()
        return try request(.unsubscribe(channels, patterns: patterns, id: id), id: id, line: line).outcome
    }

    /// - Returns: the seconds that the Reply took.
    @discardableResult
    package func ping(within seconds: Double = TestDeadline.patience, line: UInt = #line) throws -> Double {
        let id = newID()
        return try secondsTaken {
            let reply = try request(.ping(id: id), id: id, within: seconds, line: line)
            guard reply.outcome == .ok else { throw TestFailure("line \(line): Ping got \(reply.outcome)") }
        }
    }
}
