import Testing

@testable import RelayCore

@Suite struct DescriptorBudgetTests {
    private func needs(_ http: DescriptorBudget.Needs.HTTP, links: Int = 2) -> DescriptorBudget.Needs {
        var needs = DescriptorBudget.Needs()
        (needs.http, needs.links) = (http, links)
        return needs
    }

    @Test(arguments: [DescriptorBudget.Needs.HTTP.off, .tcp, .unix])
    func everyLimitEitherHasRoomForAllOrIsRefused(http: DescriptorBudget.Needs.HTTP) throws {
        let needs = needs(http)
        let least = DescriptorBudget.least(needs)
        #expect(least > 16 && least <= 32)
        for limit in 1..<3000 {
            guard let budget = DescriptorBudget(limit: limit, needs: needs) else {
                #expect(limit < least)
                continue
            }
            #expect(limit >= least)
            #expect(budget.connections >= 1 && budget.refused >= 1)
            let forHTTP = budget.httpConnections + budget.httpAccepts
            #expect(http == .off ? forHTTP == 0 : budget.httpConnections >= 2 && budget.httpAccepts >= 1)
            let shared = budget.connections + budget.refused + forHTTP
            // The rest is for the relay itself. It is the same for every limit.
            #expect(limit - shared == least - (http == .off ? 2 : 5))
            // Most of what is shared goes to the apps.
            if limit > 2 * least { #expect(budget.connections * 3 >= shared * 2) }
        }
    }

    @Test func aLargeLimitKeepsBackWhatItAlwaysDid() throws {
        let budget = try #require(DescriptorBudget(limit: 65536, needs: needs(.tcp)))
        #expect(budget.httpConnections == 64 && budget.httpAccepts == 16 && budget.refused == 64)
        #expect(budget.connections > 65536 - 180)
    }

    @Test func linksAndMastersAreProvidedFor() throws {
        let (plain, many) = (DescriptorBudget.least(needs(.tcp)), DescriptorBudget.least(needs(.tcp, links: 12)))
        #expect(many == plain + 10)
        // HTTP adds its socket, its epoll, and descriptors for probers. With a path, it adds a directory and a lock as
        // well.
        let (off, unix) = (DescriptorBudget.least(needs(.off)), DescriptorBudget.least(needs(.unix)))
        #expect(plain == off + 2 + 3 && unix == plain + 2)
        var cluster = needs(.tcp, links: 3)
        cluster.hasMoreMasters = true
        for limit in [64, 256, 1024, 65536] {
            let budget = try #require(DescriptorBudget(limit: limit, needs: cluster))
            #expect(budget.connections <= limit - min(2048, limit / 4))
        }
    }

    @Test func whatWasInheritedCounts() {
        var inherited = needs(.tcp)
        inherited.inherited = 20
        #expect(DescriptorBudget.least(inherited) == DescriptorBudget.least(needs(.tcp)) + 17)
    }
}
