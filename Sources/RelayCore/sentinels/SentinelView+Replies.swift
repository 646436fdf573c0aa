package import RESP

extension SentinelView.Master {
    /// From the answer to `SENTINEL GET-MASTER-ADDR-BY-NAME`: a host or an address, and a port; nil if it is anything
    /// else.
    package init?(_ parts: [RedisValue]) {
        guard parts.count == 2, case .bulk(let host) = parts[0], case .bulk(let port) = parts[1], !host.isEmpty,
            let port = UInt16(String(decoding: port, as: UTF8.self)), port > 0,
            let host = String(validating: host, as: UTF8.self), host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        self.init(host: host, port: port)
    }
}

extension SentinelView {
    /// The value of `config-epoch` in the answer to `SENTINEL MASTER`, a list of names and values; 0 if it is missing.
    package static func epoch(in fields: [RedisValue]) -> UInt64 {
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard case .bulk(Array("config-epoch".utf8)) = fields[index], case .bulk(let value) = fields[index + 1]
            else {
                continue
            }
            return UInt64(String(decoding: value, as: UTF8.self)) ?? 0
        }
        return 0
    }
}
