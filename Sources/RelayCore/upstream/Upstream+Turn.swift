/// How far the end of a turn is.
enum TurnStage {
    /// What was published while the turn's input was read.
    case publishing
    /// Connections that waited go on, and publish.
    case goingOn, publishingAgain
    case subscribing, subscribed
    case evaluating
    case writingToApps
    /// There is none.
    case over
}

extension Upstream {
    /// The end of a loop turn: everything that was read has been dealt with, now it is written. Redis comes first, so that
    /// it works while we write to the apps. To be followed by `nextAction` until that has nothing.
    /// - Parameter now: the turn's time, monotonic nanoseconds. Nothing that is done then needs another one.
    package func endTurn(at now: UInt64) {
        begin(atTurn: now)
        stage = .publishing
    }

    /// What is to be done now; nil: nothing more. While a turn ends, that goes on stage by stage: what comes of the actions
    /// of one stage is dealt with before the next one.
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

    /// Carries out the stages up to the first one that has something to be done, or to the last one. In most turns that are
    /// all of them, or all behind one write.
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

    /// A node's output has grown in the middle of a turn: it is written before anything else.
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
