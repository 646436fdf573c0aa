#if !Tests
    #error("the tests need the package's trait Tests: swift test --traits Tests --disable-xctest")
#endif
