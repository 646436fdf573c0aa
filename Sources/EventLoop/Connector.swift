internal import CLibuv

/// An address that a TCP stream can connect to.
package struct NetworkAddress: Equatable {
    fileprivate var storage: sockaddr_storage

    /// A numeric IPv4 or IPv6 address; nil if `host` is a name.
    package init?(numericHost host: String, port: UInt16) {
        var ipv4 = sockaddr_in()
        var ipv6 = sockaddr_in6()
        if uv_ip4_addr(host, Int32(port), &ipv4) == 0 {
            storage = withUnsafeBytes(of: &ipv4) { Self.storage(from: $0) }
        } else if uv_ip6_addr(host, Int32(port), &ipv6) == 0 {
            storage = withUnsafeBytes(of: &ipv6) { Self.storage(from: $0) }
        } else {
            return nil
        }
    }

    /// - Parameter bytes: the `bytes` of another address.
    package init(bytes: [UInt8]) {
        storage = bytes.withUnsafeBytes {
            Self.storage(from: UnsafeRawBufferPointer(rebasing: $0.prefix(MemoryLayout<sockaddr_storage>.size)))
        }
    }

    /// A copy of the address, for code that knows nothing of addresses.
    package var bytes: [UInt8] { withUnsafeBytes(of: storage) { Array($0) } }

    fileprivate init?(_ info: addrinfo) {
        guard let address = info.ai_addr, Int(info.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size else {
            return nil
        }
        storage = Self.storage(from: UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
    }

    package static func == (one: NetworkAddress, other: NetworkAddress) -> Bool {
        withUnsafeBytes(of: one.storage) { one in
            withUnsafeBytes(of: other.storage) { other in one.elementsEqual(other) }
        }
    }

    private static func storage(from bytes: UnsafeRawBufferPointer) -> sockaddr_storage {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
        return storage
    }
}

/// Looks a host name up off the loop. The answer comes on the loop. After `cancel` it comes as well, but is ignored.
package final class Resolver {
    private let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    private var body: ((Result<[NetworkAddress], LoopError>) -> Void)?

    /// - Parameter body: called once, with the addresses in the resolver's order, or with the reason why there are
    ///   none.
    package init(
        loop: Loop, host: String, port: UInt16, body: @escaping (Result<[NetworkAddress], LoopError>) -> Void
    ) {
        self.body = body
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()  // released in the callback
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let code = uv_getaddrinfo(
            loop.handle, request,
            { request, status, list in
                guard let data = request?.pointee.data else { return }
                Unmanaged<Resolver>.fromOpaque(data).takeRetainedValue().finish(status, list)
            }, host, String(port), &hints)
        if code != 0 {
            Unmanaged.passUnretained(self).release()
            finish(code, nil)
        }
    }

    deinit { request.deallocate() }

    /// Ignores the answer. A lookup that still waits for a thread is cancelled, so that lookups do not pile up while
    /// the resolver hangs.
    package func cancel() {
        guard body != nil else { return }
        body = nil
        uv_cancel(UnsafeMutableRawPointer(request).assumingMemoryBound(to: uv_req_t.self))
    }

    private func finish(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        defer { uv_freeaddrinfo(list) }
        guard let body else { return }
        self.body = nil
        guard status == 0 else { return body(.failure(LoopError("resolving", status))) }
        var addresses: [NetworkAddress] = []
        var next = list
        while let info = next {
            if let address = NetworkAddress(info.pointee) { addresses.append(address) }
            next = info.pointee.ai_next
        }
        body(.success(addresses))
    }
}

extension Stream {
    /// Connects a TCP stream. Calls `body` on the loop, with an error also if the stream was closed meanwhile.
    package func connect(to address: NetworkAddress, body: @escaping (LoopError?) -> Void) {
        let request = ConnectRequest(body)
        var storage = address.storage
        let code = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                uv_tcp_connect(
                    request.pointer, UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_tcp_t.self), address,
                    connectFinished)
            }
        }
        if code != 0 { connectFinished(request.pointer, code) }
    }

    /// Connects a Unix stream. A path over the limit of `sun_path` fails with ENAMETOOLONG; libuv would cut it off.
    package func connect(toPath path: String, body: @escaping (LoopError?) -> Void) {
        guard path.utf8.count <= 107 else { return body(LoopError("connecting", Int32(UV_ENAMETOOLONG.rawValue))) }
        let request = ConnectRequest(body)
        uv_pipe_connect(
            request.pointer, UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_pipe_t.self), path,
            connectFinished)
    }

    /// Whether a TCP stream's two ends are the same socket. That happens on loopback when nobody listens on a port from
    /// which the kernel picks local ports: the connection then reaches itself (simultaneous open, RFC 9293, 3.5).
    package var isConnectedToItself: Bool {
        let tcp = UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_tcp_t.self)
        var (local, peer) = (sockaddr_storage(), sockaddr_storage())
        func read(_ storage: inout sockaddr_storage, _ call: (UnsafeMutablePointer<sockaddr>, inout Int32) -> Int32)
            -> Bool
        {
            var size = Int32(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) == 0 }
            }
        }
        guard read(&local, { uv_tcp_getsockname(tcp, $0, &$1) }), read(&peer, { uv_tcp_getpeername(tcp, $0, &$1) })
        else { return false }
        return withUnsafeBytes(of: &local) { local in withUnsafeBytes(of: &peer) { local.elementsEqual($0) } }
    }

    /// Sets the options for a link to a server: no delay for small segments, keepalive, and that the kernel gives up on
    /// unacknowledged data when the link's own deadline has passed.
    package func tuneTCP(userTimeoutMilliseconds: UInt32) {
        let tcp = UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_tcp_t.self)
        uv_tcp_nodelay(tcp, 1)
        uv_tcp_keepalive(tcp, 1, 15)
        if let descriptor { hubrelay_set_user_timeout(descriptor, userTimeoutMilliseconds) }
    }
}

private final class ConnectRequest {
    let pointer = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
    let body: (LoopError?) -> Void

    init(_ body: @escaping (LoopError?) -> Void) {
        self.body = body
        pointer.pointee.data = Unmanaged.passRetained(self).toOpaque()  // released by connectFinished
    }

    deinit { pointer.deallocate() }
}

private func connectFinished(_ request: UnsafeMutablePointer<uv_connect_t>?, _ status: Int32) {
    guard let data = request?.pointee.data else { return }
    let finished = Unmanaged<ConnectRequest>.fromOpaque(data).takeRetainedValue()
    finished.body(status == 0 ? nil : LoopError("connecting", status))
}
