/// The result of reading passwords and certificates: at the start, on SIGHUP, and of certificates that had changed
/// before an attempt to connect.
struct ReloadRecord: Sendable {
    /// The number of SIGHUPs that asked to read them again.
    private(set) var count: UInt64 = 0
    /// When everything could be read last, milliseconds since 1970.
    private(set) var succeededAt: UInt64
    private var ofPasswords: [String] = []
    private var ofCertificates: String?

    /// - Parameter startedAt: when the relay has read everything for the first time, milliseconds since 1970.
    init(startedAt: UInt64 = 0) { succeededAt = startedAt }

    /// What could not be read the last time, a sentence each.
    var problems: [String] { ofPasswords + [ofCertificates].compactMap(\.self) }
    var isSuccessful: Bool { problems.isEmpty }

    /// SIGHUP has asked to read everything again; the arguments are what could not be read, and the time in
    /// milliseconds since 1970.
    mutating func asked(passwords: [String], certificates: String?, at now: UInt64) {
        count += 1
        ofPasswords = passwords
        readCertificates(certificates, at: now)
    }

    /// Certificates were read.
    /// - Parameter problem: why they could not be read; nil if they could.
    mutating func readCertificates(_ problem: String?, at now: UInt64) {
        ofCertificates = problem
        if isSuccessful { succeededAt = now }
    }
}
