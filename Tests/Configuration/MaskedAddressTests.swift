import Testing

@testable import Configuration

@Suite struct MaskedAddressTests {
    @Test(arguments: [
        ("redis://u:p@h:x", "redis://***@h:***"), ("redis://:a/b@h", "redis://***"),
        ("redis://:a?b@h", "redis://***"), ("redis://pw@\u{301}h", "***"), ("redis://h:\u{301}pw", "***"),
        ("redis://:a@b@h", "redis://***@h"),
        ("redis://h?password=pw", "redis://h***"), ("redis://h:1#pw", "redis://h:1***"),
        ("redis://user:pw", "redis://user:***"), ("redis://:pw/0", "redis://:***"), ("redis://:12", "redis://:***"),
        ("redis://h:99999", "redis://h:99999"), ("redis://h:1/15", "redis://h:1/15"), ("redis://h/pw", "redis://h/***"),
        ("redis://[::1]:99999", "redis://[::1]:99999"), ("redis://[::1]x", "redis://***"),
        ("redis://h:1,i:1", "redis://h:1***"), ("redis://u:p,w@h", "redis://***"),
        ("redis-sentinel://u:p@h/m", "redis-sentinel://***@h/***"),
        ("redis-cluster://u:p@h/m", "redis-cluster://***@h/***"),
        ("rediss+cluster://u:p@h:x", "rediss+cluster://***@h:***"), ("valkeys-cluster://:p", "valkeys-cluster://:***"),
        ("http://u:pw@h", "http://***@h"), ("pass word://h", "***://h"), ("unix://u:pw@run", "unix://***@run"),
        ("unix:///run/x?pw", "unix:///run/x***"), ("unix:///:pw@/x", "unix://***"),
        ("h:6379,password=pw", "h:6379***"), ("password=pw", "***"), ("user:pw@h", "***@h"),
        ("redis:u:pw", "redis:***"),
        ("h,password=a@b", "***"), ("password=a://b", "***"), ("", ""), ("redis://", "redis://"), ("h pw", "h***"),
        ("h;pw", "h***"),
    ])
    func whatIsShownOfAWrongAddressHoldsNoSecret(text: String, shown: String) {
        #expect(maskedRedisAddress(text) == shown)
    }

    /// Texts with `SECRET` wherever a password may be, however wrong the rest is.
    private static let withSecrets: [String] = {
        let secrets = [
            "SECRET", "a,SECRET", "a@SECRET", "a:SECRET", "a/SECRET", "a=SECRET", "a SECRET", "a,b=SECRET,c",
        ]
        let ends = ["", ":", ":x", "/x/y", "?x", "#x", " ", ",i:x", "/m", "\n", "@"]
        return secrets.flatMap { secret -> [String] in
            let urls = [
                "redis", "rediss", "unix", "redis-sentinel", "sentinel", "redis-cluster", "valkeys-cluster", "http",
                "a b", "",
            ].flatMap { scheme in
                [":", "user:", "us,er:"].flatMap { user in
                    ends.map { "\(scheme)://\(user)\(secret)@h\($0)" }
                }
            }
            let keys = ["password", "Password ", "sentinelPassword", "user", "passwrd", "pass word"]
            let strings = keys.flatMap { key in
                ["ssl=maybe", "x y=z", "$PING=", "h:x", "proxy=Twemproxy", "h@i", ""].flatMap {
                    ["h:1,\(key)=\(secret),\($0)", "\($0),\(key)=\(secret)", "\(key)=\(secret),h:1,\($0)"]
                }
            }
            return urls + strings + ["redis://h,password=\(secret)", "redis:\(secret)@h"]
        } + ["redis://:SECRET", "redis://u:SECRET/0", "redis-sentinel://u:SECRET/m"]
    }()

    @Test func noMessageAndNoDisplayHoldsASecret() {
        var wrong = 0
        for text in Self.withSecrets {
            #expect(!maskedRedisAddress(text).contains("SECRET"), "\(text)")
            let pubsub = text.contains("-cluster://") ? ["--cluster-pubsub": ["classic"]] : [:]
            switch outcomeOfParse(["--prefix": ["x"], "--redis": [text]].merging(pubsub) { $1 }) {
            case .failure(let error):
                wrong += 1
                #expect(!error.description.contains("SECRET"), "\(text)")
            case .success(let configuration):
                #expect(!configuration.notices.contains { $0.contains("SECRET") }, "\(text)")
            }
        }
        // Most of them have to be wrong for this to prove anything.
        #expect(wrong * 2 > Self.withSecrets.count)
    }
}
