import Testing

@testable import Configuration

@Suite struct PrefixTests {
    private func prefix(_ flags: [String: [String]], _ environment: [String: String] = [:]) throws -> [UInt8] {
        try outcomeOfParse(flags, environment).get().listener.prefix
    }

    @Test func itHasToBeSaid() throws {
        let allowed =
            "UTF-8 text of at most 512 bytes without blanks, #, invisible characters and outer quotes; "
            + "--prefix '' or HUBRELAY_PREFIX_NONE=true for none"
        #expect(outcomeOfParse([:]).error == "--prefix (or HUBRELAY_PREFIX) is required; allowed: \(allowed)")
        #expect(
            outcomeOfParse([:], ["HUBRELAY_PREFIX": ""]).error
                == "HUBRELAY_PREFIX (or --prefix): \"\" is empty, and without a prefix all apps of a Redis share their "
                + "channels; allowed: \(allowed)")
        let string = ["HUBRELAY_REDIS": "h,channelPrefix="]
        #expect(outcomeOfParse([:], string).error?.hasPrefix("--prefix (or HUBRELAY_PREFIX) is required") == true)
        #expect(outcomeOfParse([:], ["HUBRELAY_PREFIX_NONE": "no"]).error?.contains("is required") == true)
    }

    @Test func theEmptyOneHasToBeMeant() throws {
        #expect(try prefix(["--prefix": [""]]).isEmpty)
        #expect(try prefix(["--prefix": [""]], ["HUBRELAY_PREFIX": "x"]).isEmpty)
        for none in ["true", "1", "Yes"] {
            #expect(try prefix([:], ["HUBRELAY_PREFIX_NONE": none]).isEmpty)
            #expect(try prefix([:], ["HUBRELAY_PREFIX_NONE": none, "HUBRELAY_PREFIX": ""]).isEmpty)
            #expect(try prefix(["--prefix": [""]], ["HUBRELAY_PREFIX_NONE": none]).isEmpty)
        }
        #expect(try prefix([:], ["HUBRELAY_PREFIX_NONE": "false", "HUBRELAY_PREFIX": "x:"]) == Array("x:".utf8))
    }

    @Test func oneCannotBeMeantAndNotMeant() {
        #expect(
            outcomeOfParse([:], ["HUBRELAY_PREFIX_NONE": "true", "HUBRELAY_PREFIX": "x:"]).error
                == "HUBRELAY_PREFIX_NONE: true, which means no prefix, and HUBRELAY_PREFIX is \"x:\"; only one of them is "
                + "allowed")
        #expect(
            outcomeOfParse(["--prefix": ["x:"]], ["HUBRELAY_PREFIX_NONE": "true"]).error
                == "HUBRELAY_PREFIX_NONE: true, which means no prefix, and --prefix is \"x:\"; only one of them is allowed"
        )
    }

    @Test func noneInPlaceOfTheStringsIsNoticed() throws {
        let configuration = try outcomeOfParse(
            [:], ["HUBRELAY_REDIS": "h,channelPrefix=MyApp", "HUBRELAY_PREFIX_NONE": "true"]
        ).get()
        #expect(configuration.listener.prefix.isEmpty)
        #expect(
            configuration.notices
                == ["HUBRELAY_PREFIX_NONE is used, and not the channelPrefix in HUBRELAY_REDIS"])
    }

    @Test func itHasALongestLength() throws {
        let longest = String(repeating: "é", count: 256)
        #expect(try prefix(["--prefix": [longest]]).count == 512)
        let error = outcomeOfParse(["--prefix": [longest + "x"]]).error
        #expect(error?.hasPrefix("--prefix (or HUBRELAY_PREFIX): \"éééé") == true)
        #expect(error?.contains("has 513 bytes; allowed: ") == true)
    }

    @Test(arguments: [
        ("\"chat:\"", "begins or ends with a quote"), ("'chat:'", "begins or ends with a quote"),
        ("'chat:", "begins or ends with a quote"), ("chat:\"", "begins or ends with a quote"),
        ("\u{201c}chat:\u{201d}", "begins or ends with a quote"), ("`chat:`", "begins or ends with a quote"),
        ("chat: # the app", "has a #"), ("#chat:", "has a #"), ("chat#", "has a #"),
        (" chat:", "has a blank"), ("chat: ", "has a blank"), ("my chat:", "has a blank"),
        ("chat:\u{a0}", "has a blank"), ("\u{3000}", "has a blank"),
        ("chat:\r", "has an invisible character, \\r: remove it, for example by saving the file with Unix line"),
        ("chat:\n", "has an invisible character, \\n: remove it;"),
        ("\tchat:", "has an invisible character, \\t: remove it;"),
        ("chat:\u{1b}", "has an invisible character, \\u{1b}: remove it;"),
        ("\u{feff}chat:", "has an invisible character, \\u{feff}: remove it;"),
        ("chat\u{200b}:", "has an invisible character, \\u{200b}: remove it;"),
    ])
    func whatIsMostLikelyASlipIsRefusedWithItsCure(text: String, reason: String) throws {
        let byFlag = try #require(outcomeOfParse(["--prefix": [text]]).error)
        #expect(byFlag.hasPrefix("--prefix (or HUBRELAY_PREFIX): \(quoted(text)) \(reason)"), "\(byFlag)")
        let byVariable = try #require(outcomeOfParse([:], ["HUBRELAY_PREFIX": text]).error)
        #expect(byVariable.hasPrefix("HUBRELAY_PREFIX (or --prefix): \(quoted(text)) \(reason)"), "\(byVariable)")
        #expect(!byVariable.contains("\n") && byVariable.contains("; allowed: "))
    }

    @Test(arguments: ["chat:", "chat", "{chat}:", "a\"b", "it's:", "é:", "日本:", "a/b-c_d.e", "*", "a,b=c;d"])
    func whatIsNoSlipIsTaken(text: String) throws {
        #expect(try prefix([:], ["HUBRELAY_PREFIX": text]) == Array(text.utf8))
    }

    @Test func theOneOfAConnectionStringIsLookedAtAsWell() {
        let error = outcomeOfParse([:], ["HUBRELAY_REDIS": "h,channelPrefix=My App"]).error
        #expect(
            error?.hasPrefix("HUBRELAY_REDIS (or --redis): its channelPrefix, \"My App\", has a blank: remove it")
                == true)
        let unused = outcomeOfParse(["--prefix": ["x"]], ["HUBRELAY_REDIS": "h,channelPrefix=My App"]).error
        #expect(unused == nil)
    }
}
