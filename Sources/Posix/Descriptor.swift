internal import Glibc

/// A file descriptor with one owner: closed when the value ends, unless `take()` gave it away.
struct Descriptor: ~Copyable {
    let number: Int32

    /// Takes ownership of an open descriptor.
    init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Gives the descriptor away: the caller closes it from here on.
    consuming func take() -> Int32 {
        let number = number
        discard self
        return number
    }
}
