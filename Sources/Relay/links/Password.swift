internal import Configuration
internal import Posix

/// The password of a server.
enum Password {
    /// The one for an attempt; nil: nobody logs in. A file is read anew each time, so that it can be rotated.
    static func read(for credentials: RedisConfiguration.Credentials) throws(SecretFileError) -> String? {
        guard let file = credentials.passwordFile else { return credentials.password }
        return String(decoding: try readSecretFile(file), as: UTF8.self)
    }
}
