internal import Configuration
internal import TLS

extension TLSContext.Settings {
    init(_ configuration: TLSConfiguration) {
        self.init(
            caFile: configuration.caFile, certificateFile: configuration.certificateFile,
            keyFile: configuration.keyFile, isInsecure: configuration.isInsecure,
            minimumVersion: TLSContext.Version(configuration.versions.lowerBound),
            maximumVersion: TLSContext.Version(configuration.versions.upperBound))
    }
}

extension TLSContext.Version {
    fileprivate init(_ version: TLSConfiguration.Version) { self = version == .v12 ? .v12 : .v13 }
}
