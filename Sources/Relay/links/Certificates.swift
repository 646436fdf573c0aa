internal import Configuration
internal import Posix
internal import TLS

/// The certificates that connections to Redis are secured with, as they were read last, and the files that they are in.
struct Certificates {
    private let settings: TLSContext.Settings
    private(set) var context: TLSContext
    /// Of the files, as they were before they were read.
    private var stamps: [FileStamp?]

    /// - Throws: `TLSError` when they cannot be used.
    init(_ configuration: TLSConfiguration) throws(TLSError) {
        settings = TLSContext.Settings(configuration)
        stamps = Self.stamps(settings)
        context = try TLSContext(settings)
    }

    /// Reads them again. Connections that are there keep those that they were made with.
    /// - Throws: `TLSError` when they cannot be used: those that were read before stay in use.
    mutating func read() throws(TLSError) {
        let stamps = Self.stamps(settings)
        context = try TLSContext(settings)
        self.stamps = stamps
    }

    /// Whether a file is not as it was when it was read. The system's own store is not looked at.
    var haveChanged: Bool { stamps != Self.stamps(settings) }

    private static func stamps(_ settings: TLSContext.Settings) -> [FileStamp?] {
        [settings.caFile, settings.certificateFile, settings.keyFile].map { $0.flatMap(FileStamp.init) }
    }
}
