import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    /// For tests that break a network of their own, which needs network namespaces. `Tests/run` says so if they were
    /// not run.
    static var breaksNetworks: ConditionTrait {
        .enabled(
            if: NetworkScene.refusal == nil, "no network namespaces here: \(NetworkScene.refusal ?? "")")
    }
}
