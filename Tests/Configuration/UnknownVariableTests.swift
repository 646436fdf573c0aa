import Configuration
import Testing

@Suite struct UnknownVariableTests {
    @Test func aMisspeltVariableIsFoundAndNoOther() {
        let names = [
            "HUBRELAY_WINDW", "HUBRELAY_WINDOW", "HUBRELAY_TIMEOUT", "HUBRELAY_", "PATH", "HUBRELAYS",
            "HUBRELAY_SERVICE_HOST", "HUBRELAY_PORT", "HUBRELAY_PORT_8379_TCP",
        ]
        #expect(Setting.unknownVariables(among: names) == ["HUBRELAY_", "HUBRELAY_WINDW"])
    }

    @Test func noSettingIsUnknown() {
        #expect(Setting.unknownVariables(among: (Setting.all + Setting.secrets).map(\.environmentName)).isEmpty)
    }
}
