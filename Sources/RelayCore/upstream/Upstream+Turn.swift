/// The stages of the end of a turn.
enum TurnStage {
    /// Publishes that came with the turn's input are written.
    case publishing
    /// Connections that had to wait go on, and what they publish is written.
    case goingOn, publishingAgain
    case subscribing, subscribed
    case evaluating
    case writingToApps
    /// No turn is ending.
    case over
}

extension Upstream {
    /// Begins the end of a turn: everything that was read has been handled, and the output is written now. Redis comes
    /// first, so that it works while the relay writes to the apps. Call `nextAction` after this until it returns nil.
    /// - Parameter now: the turn's time in monotonic nanoseconds. The whole end of the turn uses this time.
    package func endTurn(at now: UInt64) {
        begin(atTurn: now)
        stage = .publishing
    }

    /// The next action to perform; nil if there is nothing more to do. The end of a turn goes on stage by stage:
    /// everything that follows from the actions of one stage is handled before the next stage begins.
    package func nextAction() -> RelayAction? {
        while true {
            if !hub.hasActions {
                guard stage != .over else { return nil }
                goOn()
                guard hub.hasActions else { return nil }
            }
            let action = hub.nextAction()
            guard case .flushPublishes(let node)? = action else { return action }
            flushPublishes(to: node)
        }
    }

    /// Runs the stages up to the first one that needs an action, or to the last one. In most turns this is all of them,
    /// or all of them after one write.
    private func goOn() {
        var stage = stage
        repeat {
            switch stage {
            case .publishing:
                if hub.hasPublishOutput { flushPublishes() }
                stage = .goingOn
            case .goingOn:
                hub.finishTurn()
                stage = .publishingAgain
            case .publishingAgain:
                if hub.hasPublishOutput { flushPublishes() }
                stage = .subscribing
            case .subscribing:
                stage = .evaluating
                guard needsSubscribeFlush else { continue }
                stage = .subscribed
                for node in nodes { node.subscribeLink.flush() }
            case .subscribed:
                for node in nodes { node.subscribeLink.flushed() }
                stage = .evaluating
            case .evaluating:
                if needsEvaluation || hub.hasBrokenSubscriptions { evaluatePath() }
                hub.answerDisplaced()
                if hub.takeAppOutput() { act(.writeToApps) }
                stage = .writingToApps
            case .writingToApps:
                if hub.hasWork { act(.takeAnotherTurn) }
                stage = .over
            case .over: break
            }
        } while stage != .over && !hub.hasActions
        self.stage = stage
    }

    /// The output of a node has become large in the middle of a turn: it is written before anything else.
    private func flushPublishes(to node: HubNode) { nodes.first { $0.hubNode === node }?.publishLink.flush() }

    private func flushPublishes() {
        hub.hasPublishOutput = false
        for index in borrowedNodes.indices where borrowedNodes[index]._withUnsafeGuaranteedRef({ $0.hasPublishOutput })
        {
            nodes[index].publishLink.flush()
        }
        if let cluster { for node in cluster.leaving where node.hasPublishOutput { node.publishLink.flush() } }
    }

    private var needsSubscribeFlush: Bool {
        for index in borrowedNodes.indices
        where borrowedNodes[index]._withUnsafeGuaranteedRef({ $0.needsSubscribeFlush }) {
            return true
        }
        return false
    }
}
