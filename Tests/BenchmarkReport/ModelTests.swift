import BenchmarkReport
import Testing

@Suite("What is measured")
struct ModelTests {
    @Test("processor time is that of user and system together")
    func processorTime() {
        #expect(ProcessorTime(user: 1.5, system: 0.25).total == 1.75)
    }
}
