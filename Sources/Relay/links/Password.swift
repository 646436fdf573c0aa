internal import Configuration
internal import Posix

/// The password of a server.
enum Password {
    /// The password for an attempt to connect; nil if the relay does not log in. A password file is read again each
    /// time, so that the password can be rotated.
    static func read(for credentials: RedisConfiguration.Credentials) throws(SecretFileError) -> String? {
        guard let file = credentials.passwordFile else { return credentials.password }
        return String(decoding: try readSecretFile(file), as: UTF8.self)
    }
}
