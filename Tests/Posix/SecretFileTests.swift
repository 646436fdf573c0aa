import Glibc
import Posix
import Testing

@Suite("Secret files")
struct SecretFileTests {
    let directory = TemporaryDirectory()

    @Test(
        "the content, without one line end at its end",
        arguments: [
            ("secret", "secret"), ("secret\n", "secret"), ("secret\n\n", "secret\n"), (" a b ", " a b "),
            ("zero\0inside", "zero\0inside"), ("carriage\r\n", "carriage"), ("carriage\r", "carriage\r"),
        ])
    func content(_ content: String, _ secret: String) throws {
        directory.write(content, to: "f")
        #expect(try readSecretFile(directory("f")) == Array(secret.utf8))
    }

    @Test("a link is followed, as mounted secrets are links")
    func link() throws {
        directory.write("secret", to: "f")
        symlink("f", directory("link"))
        #expect(try readSecretFile(directory("link")) == Array("secret".utf8))
    }

    @Test("at most 64 KiB")
    func size() throws {
        directory.write([UInt8](repeating: 7, count: 65_536), to: "f")
        #expect(try readSecretFile(directory("f")).count == 65_536)
        directory.write([UInt8](repeating: 7, count: 65_537), to: "f")
        #expect(throws: SecretFileError.tooLarge(path: directory("f"), limit: 65_536)) {
            try readSecretFile(directory("f"))
        }
    }

    @Test("nothing, or nothing but a newline, is an error", arguments: ["", "\n"])
    func empty(_ content: String) {
        directory.write(content, to: "f")
        #expect(throws: SecretFileError.empty(path: directory("f"))) { try readSecretFile(directory("f")) }
    }

    @Test("directories and FIFOs are refused, without waiting for a writer")
    func notAFile() {
        #expect(throws: SecretFileError.notAFile(path: directory.path, kind: "a directory")) {
            try readSecretFile(directory.path)
        }
        mkfifo(directory("fifo"), 0o600)
        #expect(throws: SecretFileError.notAFile(path: directory("fifo"), kind: "a FIFO")) {
            try readSecretFile(directory("fifo"))
        }
    }

    @Test("a missing file is named, and no error tells content")
    func errors() {
        let missing = SecretFileError.system(path: directory("none"), code: ENOENT)
        #expect(throws: missing) { try readSecretFile(directory("none")) }
        #expect(missing.description.contains(directory("none")))
        #expect(missing.description.contains("No such file"))
    }
}
