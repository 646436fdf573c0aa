/// The fields of a Loss frame, which has one cause.
struct LossReport {
    var publishes: UInt64 = 0
    var messages: UInt64 = 0
    var publishesUnknown: UInt64 = 0
    var cause: Cause
    var reason: String
}
