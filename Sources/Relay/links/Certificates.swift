internal import Configuration
internal import Posix
internal import TLS

/// The certificates that secure connections to Redis, as they were last read, and the files that hold them.
struct Certificates {
    private let settings: TLSContext.Settings
    private(set) var context: TLSContext
    /// The stamps of the files, as they were before the files were read.
    private var stamps: [FileStamp?]

    /// - Throws: `TLSError` if the certificates cannot be used.
    init(_ configuration: TLSConfiguration) throws(TLSError) {
        settings = TLSContext.Settings(configuration)
        stamps = Self.stamps(settings)
        context = try TLSContext(settings)
    }

    /// Reads the files again. Open connections keep the certificates that they were made with.
    /// - Throws: `TLSError` if the new certificates cannot be used. The ones that were read before then stay in use.
    mutating func read() throws(TLSError) {
        let stamps = Self.stamps(settings)
        context = try TLSContext(settings)
        self.stamps = stamps
    }

    /// Whether a file has changed since it was read. The system's own store is not checked.
    var haveChanged: Bool { stamps != Self.stamps(settings) }

    private static func stamps(_ settings: TLSContext.Settings) -> [FileStamp?] {
        [settings.caFile, settings.certificateFile, settings.keyFile].map { $0.flatMap(FileStamp.init) }
    }
}
