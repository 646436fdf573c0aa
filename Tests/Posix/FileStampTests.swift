import Glibc
import Posix
import Testing

@Suite("Whether a file is as it was")
struct FileStampTests {
    let directory = TemporaryDirectory()
    var path: String { directory("f") }

    @Test("a file that is left alone has the same stamp")
    func same() {
        directory.write("x", to: "f")
        #expect(FileStamp(path) != nil && FileStamp(path) == FileStamp(path))
        #expect(FileStamp(directory("absent")) == nil)
    }

    @Test("one that was written, replaced or touched has another one, also behind a link")
    func changed() {
        directory.write("x", to: "f")
        symlink("f", directory("link"))
        var stamps = [FileStamp(directory("link"))]
        directory.write("xy", to: "f")
        stamps.append(FileStamp(directory("link")))
        directory.write("xy", to: "g")
        rename(directory("g"), path)
        stamps.append(FileStamp(directory("link")))
        utimensat(AT_FDCWD, path, [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 1)], 0)
        stamps.append(FileStamp(directory("link")))
        for (index, stamp) in stamps.enumerated() {
            #expect(stamp != nil && stamps.firstIndex(of: stamp) == index)
        }
    }
}
